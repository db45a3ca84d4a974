"""A small MQTT 3.1.1 client: QoS 0, one connection, no retained messages.

Source: MQTT Version 3.1.1, OASIS Standard, sections 2 and 3.
"""

import os
import select
import socket
import struct
import threading
import time

KEEP_ALIVE = 30
LARGEST = 256 * 1024

CONNECT, CONNACK, PUBLISH, SUBSCRIBE, PINGREQ, DISCONNECT = 0x10, 0x20, 0x30, 0x82, 0xC0, 0xE0


class Refused(Exception):
    """The broker answered, but does not want us."""


def _text(value):
    data = value.encode()
    return struct.pack("!H", len(data)) + data


def packet(kind, body=b""):
    length, size = len(body), b""
    while True:
        length, digit = divmod(length, 128)
        size += bytes([digit | 0x80 if length else digit])
        if not length:
            return bytes([kind]) + size + body


class Client:
    """Publishing is safe from any thread, receiving from one."""

    def __init__(self, name):
        self.host = os.environ.get("MQTT_HOST", "localhost")
        self.port = int(os.environ.get("MQTT_PORT", "1883"))
        self.username = os.environ.get("MQTT_USERNAME", "")
        self.password = os.environ.get("MQTT_PASSWORD", "")
        # Two tasks of one service must not throw each other out.
        self.name = f"{name}-{os.urandom(4).hex()}"
        self.socket = None
        self.lock = threading.Lock()
        self.sent = 0.0
        self.heard = 0.0

    def connect(self):
        self.close()
        connection = socket.create_connection((self.host, self.port), timeout=10)
        flags, login = 0x02, b""
        if self.username:
            flags, login = flags | 0x80, _text(self.username)
            if self.password:
                flags, login = flags | 0x40, login + _text(self.password)
        hello = _text("MQTT") + bytes([4, flags]) + struct.pack("!H", KEEP_ALIVE) + _text(self.name) + login
        connection.sendall(packet(CONNECT, hello))
        self.socket = connection
        self.sent = self.heard = time.monotonic()
        kind, body = self._read()
        if kind != CONNACK or len(body) != 2 or body[1] != 0:
            self.close()
            raise Refused(f"the broker refused the connection: {body[1] if len(body) == 2 else 'no CONNACK'}")

    def subscribe(self, topics):
        body = struct.pack("!H", 1) + b"".join(_text(topic) + b"\x00" for topic in topics)
        self._send(packet(SUBSCRIBE, body))

    def publish(self, topic, payload):
        self._send(packet(PUBLISH, _text(topic) + payload))

    def receive(self, wait):
        """The next message as `(topic, payload)`, or None after `wait` seconds."""
        now = time.monotonic()
        if now - self.sent > KEEP_ALIVE / 2:
            self._send(packet(PINGREQ))
        if now - self.heard > KEEP_ALIVE * 2:
            raise ConnectionError("the broker is silent")
        ready, _, _ = select.select([self.socket], [], [], wait)
        if not ready:
            return None
        kind, body = self._read()
        self.heard = time.monotonic()
        if kind & 0xF0 != PUBLISH:
            return None
        end = 2 + int.from_bytes(body[:2], "big")
        return body[2:end].decode(errors="replace"), body[end:]

    def close(self):
        if self.socket is None:
            return
        try:
            self.socket.sendall(packet(DISCONNECT))
        except OSError:
            pass
        self.socket.close()
        self.socket = None

    def _send(self, data):
        with self.lock:
            if self.socket is None:
                raise ConnectionError("not connected to the broker")
            self.socket.sendall(data)
            self.sent = time.monotonic()

    def _read(self):
        kind, length, shift = self._exactly(1)[0], 0, 0
        while True:
            digit = self._exactly(1)[0]
            length |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                break
            if shift > 21:
                raise ConnectionError("the broker does not speak MQTT")
        if length > LARGEST:
            raise ConnectionError("the message is too large")
        return kind, self._exactly(length)

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionError("the broker closed the connection")
            data += part
        return data
