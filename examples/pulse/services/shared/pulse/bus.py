"""The message bus: a connection to the broker that comes back by itself."""

import json
import time

from . import alive, mqtt, stop


class Bus:
    def __init__(self, name, log, topics=(), handle=None):
        self.log = log
        self.topics = list(topics)
        self.handle = handle
        self.client = mqtt.Client(name)
        self.connected = False

    def send(self, topic, message):
        """False when the broker is away: the message is lost, as QoS 0 has it."""
        try:
            self.client.publish(topic, json.dumps(message).encode())
            return True
        except OSError as error:
            self.log.warning("not sent to %s: %s", topic, error)
            return False

    def run(self, every=None, seconds=10):
        """Until asked to stop. `every` is called about each `seconds`."""
        pause, due = 1, time.monotonic()
        while not stop.asked.is_set():
            alive.touch()
            try:
                self.client.connect()
                if self.topics:
                    self.client.subscribe(self.topics)
                self.log.info("connected to the broker at %s:%s", self.client.host, self.client.port)
                self.connected, pause = True, 1
                while not stop.asked.is_set():
                    alive.touch()
                    if every and time.monotonic() >= due:
                        due = time.monotonic() + seconds
                        every()
                    self._take(self.client.receive(1))
            except (OSError, mqtt.Refused) as error:
                self.log.warning("no broker (%s), again in %s s", error, pause)
                stop.asked.wait(pause)
                pause = min(pause * 2, 10)
            finally:
                self.connected = False
        self.client.close()
        self.log.info("stopped")

    def _take(self, message):
        if message is None or self.handle is None:
            return
        topic, payload = message
        try:
            content = json.loads(payload)
            if not isinstance(content, dict):
                raise ValueError("not a JSON object")
        except ValueError as error:
            self.log.warning("%s: left out, %s", topic, error)
            return
        try:
            self.handle(topic, content)
        except Exception:
            self.log.exception("%s: failed", topic)
