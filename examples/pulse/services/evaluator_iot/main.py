"""Readings in, alerts out. A port of its own tells only whether it is healthy."""

import os

from pulse import alive, bus, database, log, stop, web

logger = log.start("evaluator_iot")
LIMIT = float(os.environ.get("ALERT_ABOVE", "30"))


def evaluate(_, reading):
    if reading["temperature"] > LIMIT:
        broker.send("pulse/alerts", {**reading, "limit": LIMIT})
        logger.info("%s is above %s", reading["device"], LIMIT)


def health(_):
    fresh = alive.is_fresh()
    return (200 if fresh else 503), {"status": "ok" if fresh else "stuck", "broker": broker.connected}


broker = bus.Bus("evaluator_iot", logger, ["pulse/readings"], evaluate)
api = web.Api(logger)
api.on("GET", "/health", health)

stop.listen()
logger.info("the database %s", "answers" if database.answers() else "does not answer")
web.in_background(broker.run)
api.serve()
