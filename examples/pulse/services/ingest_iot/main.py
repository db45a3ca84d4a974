"""Raw telemetry in, checked readings out."""

import time

from pulse import bus, database, log, stop

logger = log.start("ingest_iot")


def check(topic, message):
    device = topic.split("/")[1]
    temperature = message.get("temperature")
    if isinstance(temperature, bool) or not isinstance(temperature, (int, float)) or not -90 <= temperature <= 200:
        logger.warning("%s: no such temperature", device)
        return
    broker.send("pulse/readings", {"device": device, "temperature": temperature, "at": int(time.time())})
    logger.info("%s: %.1f", device, temperature)


broker = bus.Bus("ingest_iot", logger, ["devices/+/telemetry"], check)
stop.listen()
logger.info("the database %s", "answers" if database.answers() else "does not answer")
broker.run()
