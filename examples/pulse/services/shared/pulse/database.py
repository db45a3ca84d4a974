"""Whether the main database answers. The example keeps no data of its own in it.

Source: PostgreSQL documentation, "Message Formats", SSLRequest.
"""

import os
import socket
import struct
from urllib.parse import urlsplit

SSL_REQUEST = struct.pack("!II", 8, 80877103)


def address():
    """Host and port of `DATABASE_URL`; its user and password stay in there."""
    url = urlsplit(os.environ.get("DATABASE_URL", ""))
    if not url.hostname:
        raise ValueError("DATABASE_URL names no host")
    return url.hostname, url.port or 5432


def answers(timeout=4):
    try:
        with socket.create_connection(address(), timeout=timeout) as connection:
            connection.sendall(SSL_REQUEST)
            return connection.recv(1) in (b"S", b"N")
    except (OSError, ValueError):
        return False
