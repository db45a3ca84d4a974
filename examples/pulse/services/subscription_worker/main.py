"""New devices in, their first greeting out."""

from pulse import bus, database, log, stop

logger = log.start("subscription_worker")


def greet(_, device):
    broker.send(f"devices/{device['name']}/commands", {"command": "report", "every": 5})
    logger.info("%s is subscribed", device["name"])


broker = bus.Bus("subscription_worker", logger, ["pulse/devices"], greet)
stop.listen()
logger.info("the database %s", "answers" if database.answers() else "does not answer")
broker.run()
