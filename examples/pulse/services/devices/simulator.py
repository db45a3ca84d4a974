"""A fleet: some readings a second, from devices that wander between cool and hot."""

import os
import random

from pulse import bus, log, stop

logger = log.start("simulator")
fleet = {f"sim-{number}": 22.0 for number in range(int(os.environ.get("FLEET", "20")))}


def report():
    for device in random.sample(list(fleet), k=min(5, len(fleet))):
        fleet[device] = min(40.0, max(5.0, fleet[device] + random.uniform(-1.5, 1.6)))
        broker.send(f"devices/{device}/telemetry", {"temperature": round(fleet[device], 1)})


broker = bus.Bus("simulator", logger)
stop.listen()
broker.run(every=report, seconds=2)
