"""moto judges: the whole way of the example over HTTP on an AWS that we did not write.

Not called moto.py, which would stand before the moto package on Python's path.
"""
import sys
from pathlib import Path

from journey import Journey
from server import Server, free_port


def moto():
    port = free_port()
    command = [sys.executable, str(Path(__file__).with_name("patched_moto.py")), "--port", str(port)]
    # With AWS's managed policies, as in every account.
    return Server(command, f"http://127.0.0.1:{port}", {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true"})


def main():
    with moto() as server:
        return Journey(server.url, forgetful=False).run().end("moto")


if __name__ == "__main__":
    sys.exit(main())
