"""Ends cleanly on SIGTERM, which both `docker stop` and ECS send."""

import signal
import threading

asked = threading.Event()


def listen():
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
