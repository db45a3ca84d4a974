"""A proxy between the program and an AWS: it writes down every request, so that nobody has to believe the program's own count.

It changes nothing, unless it is given a bad line (`bad_line.py`). What is a read is told from the request alone: GET and HEAD where the protocol is REST,
else the first word of the operation.
"""
import http.client
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from bad_line import GoodLine

READS = re.compile(r"(Describe|Get|List|BatchGet|Head|Lookup|Search)")
SERVICE = re.compile(r"Credential=[^/]+/[^/]+/[^/]+/([^/]+)/")
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Call(NamedTuple):
    service: str
    operation: str
    mutating: bool
    status: int
    refusal: str


class Witness:
    """Forwards to `endpoint`; `with` starts and ends it, `url` is where the program should send its calls, `line` says what becomes of each."""

    def __init__(self, endpoint):
        target = urlsplit(endpoint).netloc
        self.calls = calls = []
        self.line = GoodLine()
        witness = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                service, operation, mutating = asked(self, body)
                fate = witness.line.fate(service, operation)
                if not fate.arrives:
                    return self.hang_up(fate)
                connection = http.client.HTTPConnection(target, timeout=120)
                try:
                    headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
                    connection.request(self.command, self.path, body, headers)
                    reply = connection.getresponse()
                    content = reply.read()
                finally:
                    connection.close()
                if not is_visit(self):
                    calls.append(Call(service, operation, mutating, reply.status, refusal(reply.status, content)))
                if not fate.answered:
                    return self.hang_up(fate)
                time.sleep(fate.late)
                self.send_response_only(reply.status)
                for name, value in reply.getheaders():
                    if name.lower() not in HOP_BY_HOP:
                        self.send_header(name, value)
                if self.command == "HEAD":
                    self.send_header("Content-Length", reply.getheader("Content-Length") or "0")
                elif reply.status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                fate.strike()

            def hang_up(self, fate):
                """Closed without a byte, as a line is that breaks."""
                fate.strike()
                self.close_connection = True

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = forward

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def since(self, mark):
        return self.calls[mark:]


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Who was killed, or has gone, takes no answer; everything else is our mistake, and is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def is_visit(request):
    """Smoke looks at the application, which is no call of the API: it carries no signature, and only reads."""
    return request.command == "GET" and "Authorization" not in request.headers


def asked(request, body):
    """Service, operation, and whether it changes anything."""
    signed = SERVICE.search(request.headers.get("Authorization", ""))
    target = request.headers.get("X-Amz-Target")
    form = "x-www-form-urlencoded" in request.headers.get("Content-Type", "")
    if target:
        operation = target.rsplit(".", 1)[-1]
    elif form:
        operation = parse_qs(body.decode()).get("Action", ["?"])[0]
    else:
        operation = f"{request.command} {request.path.split('&x-id')[0]}"
    mutating = not READS.match(operation) if target or form else request.command not in ("GET", "HEAD")
    return signed.group(1) if signed else "?", operation, mutating


def refusal(status, content):
    if status < 400:
        return ""
    code = re.search(rb"<Code>([^<]+)</Code>|\"__type\"\s*:\s*\"([^\"]+)\"", content)
    return next(filter(None, code.groups()), b"").decode() if code else str(status)
