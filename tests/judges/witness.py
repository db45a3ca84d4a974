"""A proxy between the program and an AWS: it writes down every request, so that nobody has to believe the program's own count.

It changes nothing. What is a read is told from the request alone: GET and HEAD where the protocol is REST, else the first word of the operation.
"""
import http.client
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

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
    """Forwards to `endpoint`; `with` starts and ends it, `url` is where the program should send its calls."""

    def __init__(self, endpoint):
        target = urlsplit(endpoint).netloc
        self.calls = calls = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                connection = http.client.HTTPConnection(target, timeout=120)
                try:
                    headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
                    connection.request(self.command, self.path, body, headers)
                    reply = connection.getresponse()
                    content = reply.read()
                finally:
                    connection.close()
                calls.append(seen(self, body, reply.status, content))
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

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = forward

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
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


def seen(request, body, status, content):
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
    refusal = ""
    if status >= 400:
        code = re.search(rb"<Code>([^<]+)</Code>|\"__type\"\s*:\s*\"([^\"]+)\"", content)
        refusal = next(filter(None, code.groups()), b"").decode() if code else str(status)
    return Call(signed.group(1) if signed else "?", operation, mutating, status, refusal)
