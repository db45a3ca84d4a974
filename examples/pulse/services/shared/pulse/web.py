"""A JSON API on `http.server`: routes are functions, a path ending in `/*` takes everything below."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from . import stop

LARGEST = 64 * 1024


class Bad(Exception):
    """The request is wrong; the text says how."""


class Request:
    def __init__(self, method, path, body):
        self.method = method
        self.path = path
        self.body = body

    def last(self):
        """The last part of the path."""
        return self.path.rstrip("/").rsplit("/", 1)[-1]

    def json(self):
        try:
            content = json.loads(self.body)
        except ValueError:
            raise Bad("the body is not JSON") from None
        if not isinstance(content, dict):
            raise Bad("the body is not a JSON object")
        return content


class Api:
    def __init__(self, log):
        self.log = log
        self.routes = []

    def on(self, method, path, function):
        """`function(request)` gives a status and what becomes JSON."""
        self.routes.append((method, path, function))

    def answer(self, request):
        known = False
        for method, path, function in self.routes:
            below = path.endswith("/*") and request.path.startswith(path[:-1])
            if request.path != path and not below:
                continue
            known = True
            if method == request.method:
                return function(request)
        return (405, {"error": "method not allowed"}) if known else (404, {"error": "not found"})

    def serve(self):
        """Until asked to stop."""
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            server_version = "pulse"
            sys_version = ""
            # Longer than the load balancer keeps an idle connection, so that it is never the service that hangs up.
            timeout = 75

            def reply(self, status, content):
                data = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Cache-Control", "no-store")
                if self.close_connection:
                    self.send_header("Connection", "close")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            def handle_request(self):
                path = unquote(urlsplit(self.path).path)
                length = self.headers.get("Content-Length", "0")
                is_readable = length.isdigit() and "Transfer-Encoding" not in self.headers
                if not is_readable or int(length) > LARGEST:
                    self.close_connection = True
                    return self.reply(413 if is_readable else 411, {"error": "a body has a length, up to 64 KiB"})
                body = self.rfile.read(int(length))
                method = "GET" if self.command == "HEAD" else self.command
                try:
                    status, content = api.answer(Request(method, path, body))
                except Bad as error:
                    status, content = 400, {"error": str(error)}
                except Exception:
                    api.log.exception("%s %s failed", method, path)
                    status, content = 500, {"error": "internal error"}
                return self.reply(status, content)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_request

            def log_message(self, form, *values):
                # Health checks come every few seconds.
                if not self.path.endswith("/health"):
                    api.log.info(form, *values)

        port = int(os.environ.get("PORT", "8080"))
        server = ThreadingHTTPServer(("", port), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.log.info("listening on port %s", port)
        stop.asked.wait()
        server.shutdown()
        self.log.info("stopped")


def in_background(function, *arguments):
    threading.Thread(target=function, args=arguments, daemon=True).start()
