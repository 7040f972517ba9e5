"""Say everything in the log once more: `python -m libs.common.outbox.rebuild <service>...`.

The running relay publishes it; receivers know the event ids and apply nothing twice. A wiped or shortened broker is
noticed without this command; it is for an operator who does not trust what the broker holds.
"""

import asyncio
import os
import sys

from libs.common.db import Database
from libs.common.outbox.housekeeping import rebuild_broker


async def _main(services: list[str]) -> None:
    environment = os.environ  # noqa: TID251 - a command's own settings, not a service's
    for service in services:
        database = await Database.open(environment[f"{service.upper()}_WORKER_DATABASE_URL"], service=service)
        try:
            rows = await rebuild_broker(database)
        finally:
            await database.close()
        print(f"{service}: {rows} rows queued again")  # noqa: T201 - a command's answer


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    asyncio.run(_main(sys.argv[1:]))
