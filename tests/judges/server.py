"""A server for the length of a `with`: started, waited for, ended."""
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`command` prints its URL as its first line of output when `url` is not known before."""

    def __init__(self, command, url=None, environment=None):
        self.command, self.url, self.environment = command, url, {**os.environ, **(environment or {})}

    def __enter__(self):
        out = subprocess.PIPE if self.url is None else None
        self.process = subprocess.Popen(self.command, env=self.environment, stdout=out, stderr=subprocess.DEVNULL, text=True)
        if self.url is None:
            self.url = self.process.stdout.readline().strip()
            assert self.url.startswith("http://"), f"{self.command} did not print its URL"
        end = time.monotonic() + 60
        while not self.answers():
            assert self.process.poll() is None and time.monotonic() < end, f"{self.command} does not answer"
            time.sleep(0.1)
        return self

    def answers(self):
        try:
            urllib.request.urlopen(self.url, timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
