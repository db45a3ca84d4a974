"""The one-off job before everything else: waits for the database and ends.

The example has no tables; a real migrator would bring them up to date here.
"""

import os
import sys

from pulse import database, log, stop

logger = log.start("migrate")
PATIENCE = int(os.environ.get("MIGRATE_PATIENCE", "60"))


def main():
    try:
        host, port = database.address()
    except ValueError as error:
        logger.error("%s", error)
        return 1
    for second in range(0, PATIENCE, 2):
        if database.answers():
            logger.info("%s:%s answers, nothing to migrate", host, port)
            return 0
        logger.info("%s:%s does not answer yet (%s s)", host, port, second)
        if stop.asked.wait(2):
            return 143
    logger.error("%s:%s did not answer within %s s", host, port, PATIENCE)
    return 1


stop.listen()
sys.exit(main())
