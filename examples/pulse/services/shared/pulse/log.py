"""One JSON line an event, on stdout, where Docker and CloudWatch Logs pick it up."""

import json
import logging
import os
import sys
import time


class _Line(logging.Formatter):
    def format(self, record):
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "service": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)


def start(service):
    """The logger of this process."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Line())
    logger = logging.getLogger(service)
    logger.addHandler(handler)
    level = os.environ.get("LOG_LEVEL", "info").upper()
    logger.setLevel(level if level in logging.getLevelNamesMapping() else "INFO")
    return logger
