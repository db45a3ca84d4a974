"""Alerts in, one delivery for each subscriber out. A device that stays hot is told about once a minute."""

import os
import time

from pulse import bus, database, log, stop

logger = log.start("dispatcher")
SUBSCRIBERS = os.environ.get("SUBSCRIBERS", "operations").split(",")
last = {}


def dispatch(_, alert):
    device, now = alert["device"], time.monotonic()
    if now - last.get(device, -60) < 60:
        return
    if len(last) > 10_000:
        last.clear()
    last[device] = now
    for subscriber in SUBSCRIBERS:
        broker.send("pulse/deliveries", {"subscriber": subscriber, "alert": alert})
    logger.info("%s: to %s subscribers", device, len(SUBSCRIBERS))


broker = bus.Bus("dispatcher", logger, ["pulse/alerts"], dispatch)
stop.listen()
logger.info("the database %s", "answers" if database.answers() else "does not answer")
broker.run()
