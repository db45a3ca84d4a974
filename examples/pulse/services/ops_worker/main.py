"""Counts what goes over the bus and says so once a minute."""

import collections

from pulse import bus, database, log, stop

logger = log.start("ops_worker")
counts = collections.Counter()


def count(topic, _):
    counts["telemetry" if topic.startswith("devices/") else topic] += 1


def report():
    said = ", ".join(f"{topic} {number}" for topic, number in sorted(counts.items())) or "nothing"
    logger.info("last minute: %s; the database %s", said, "answers" if database.answers() else "does not answer")
    counts.clear()


broker = bus.Bus("ops_worker", logger, ["devices/+/telemetry", "pulse/#"], count)
stop.listen()
broker.run(every=report, seconds=60)
