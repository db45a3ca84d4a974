"""One device: a reading every five seconds, and what it is told to do."""

import math
import os
import time

from pulse import bus, log, stop

NAME = os.environ.get("DEVICE", "bench-1")
logger = log.start("device_sim")


def report():
    temperature = round(24 + 8 * math.sin(time.time() / 60), 1)
    broker.send(f"devices/{NAME}/telemetry", {"temperature": temperature})


broker = bus.Bus("device_sim", logger, [f"devices/{NAME}/commands"], lambda _, message: logger.info("told: %s", message))
stop.listen()
broker.run(every=report, seconds=5)
