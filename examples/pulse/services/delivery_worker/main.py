"""Deliveries in, webhooks out."""

import json
import os
import urllib.request

from pulse import bus, database, log, stop

logger = log.start("delivery_worker")
URL = os.environ.get("WEBHOOK_URL", "http://localhost:8080/webhook/alerts")


def deliver(_, delivery):
    request = urllib.request.Request(URL, json.dumps(delivery).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            logger.info("delivered to %s: %s", delivery["subscriber"], reply.status)
    except OSError as error:
        logger.warning("not delivered to %s: %s", delivery["subscriber"], error)


broker = bus.Bus("delivery_worker", logger, ["pulse/deliveries"], deliver)
stop.listen()
logger.info("the database %s", "answers" if database.answers() else "does not answer")
broker.run()
