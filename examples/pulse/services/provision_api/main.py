"""Devices are made known here; the others hear of them over the bus. Kept in memory: an example forgets."""

import threading
import time

from pulse import bus, database, log, stop, web

logger = log.start("provision_api")
broker = bus.Bus("provision_api", logger)
devices = {}
lock = threading.Lock()
MOST = 1000


def add(request):
    name = request.json().get("name")
    if not isinstance(name, str) or not name.replace("-", "").isalnum() or len(name) > 64:
        raise web.Bad("`name` has letters, digits and hyphens, at most 64")
    with lock:
        if name in devices:
            return 409, {"error": f"{name} is already there"}
        if len(devices) >= MOST:
            return 507, {"error": "there is no room for more devices"}
        device = devices[name] = {"name": name, "since": int(time.time())}
    broker.send("pulse/devices", device)
    logger.info("new device %s", name)
    return 201, device


def health(_):
    return 200, {"status": "ok", "broker": broker.connected}


api = web.Api(logger)
api.on("GET", "/health", health)
api.on("GET", "/provision/health", health)
api.on("GET", "/provision/devices", lambda _: (200, {"devices": list(devices.values())}))
api.on("POST", "/provision/devices", add)

stop.listen()
logger.info("the database %s", "answers" if database.answers() else "does not answer")
web.in_background(broker.run)
api.serve()
