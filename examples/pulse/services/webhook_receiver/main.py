"""Takes webhooks: those of our own delivery_worker, and of whoever is told the address."""

import collections
import time

from pulse import database, log, stop, web

logger = log.start("webhook_receiver")
received = collections.deque(maxlen=50)


def receive(request):
    message = request.json()
    received.appendleft({"at": int(time.time()), "path": request.path, "message": message})
    logger.info("received on %s", request.path)
    return 202, {"accepted": True}


api = web.Api(logger)
api.on("GET", "/health", lambda _: (200, {"status": "ok"}))
api.on("GET", "/webhook/health", lambda _: (200, {"status": "ok"}))
api.on("GET", "/webhook/alerts", lambda _: (200, {"received": len(received)}))
api.on("POST", "/webhook/*", receive)

stop.listen()
logger.info("the database %s", "answers" if database.answers() else "does not answer")
api.serve()
