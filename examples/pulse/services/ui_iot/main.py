"""The API behind the browser: health, the latest readings and alerts, and readings that come over HTTP."""

import collections
import os
import time
import urllib.request

from pulse import bus, database, log, stop, web

logger = log.start("ui_iot")
recent = {"readings": collections.deque(maxlen=50), "alerts": collections.deque(maxlen=50)}
seen = {"database": False, "login": False}


def remember(topic, message):
    recent[topic.rsplit("/", 1)[-1]].appendleft(message)


broker = bus.Bus("ui_iot", logger, ["pulse/readings", "pulse/alerts"], remember)


def login_answers():
    url = os.environ.get("KEYCLOAK_URL", "http://localhost:8080/auth") + "/realms/pulse"
    try:
        with urllib.request.urlopen(url, timeout=4) as reply:
            return reply.status == 200
    except OSError:
        return False


def look_around():
    """The health page tells what was seen last, so that it never waits for others."""
    while not stop.asked.is_set():
        seen.update(database=database.answers(), login=login_answers())
        stop.asked.wait(15)


def health(_):
    checks = {"broker": broker.connected, **seen}
    # Always 200: without its neighbours this service still answers, and a restart would not bring them back.
    return 200, {"status": "ok" if all(checks.values()) else "degraded", "checks": checks, "time": int(time.time())}


def ingest(request):
    reading = request.json()
    if not isinstance(reading.get("temperature"), (int, float)):
        raise web.Bad("`temperature` is not a number")
    device = request.last()
    if not device.replace("-", "").isalnum() or len(device) > 64:
        raise web.Bad("a device's name has letters, digits and hyphens")
    sent = broker.send(f"devices/{device}/telemetry", {"temperature": reading["temperature"]})
    return (202, {"accepted": device}) if sent else (503, {"error": "the broker is away"})


api = web.Api(logger)
api.on("GET", "/api/v2/health", health)
api.on("GET", "/api/v2/readings", lambda _: (200, {"readings": list(recent["readings"])}))
api.on("GET", "/api/v2/alerts", lambda _: (200, {"alerts": list(recent["alerts"])}))
api.on("POST", "/ingest/*", ingest)
api.on("GET", "/", lambda _: (200, {"service": "ui_iot"}))

stop.listen()
web.in_background(broker.run)
web.in_background(look_around)
api.serve()
