"""The clock of a workspace: the database's, or a driven one."""

import time
from datetime import UTC, datetime, timedelta

from libs.common.db import Database

SYNC_SECONDS = 30.0


def wall_now() -> datetime:
    """Return this process's wall time: for keys, transport and logs, never for what a person experiences."""
    return datetime.fromtimestamp(time.time_ns() / 1e9, UTC)


class DatabaseClock:
    """The database's time without asking it each time: an offset to the monotonic clock, measured again by and by."""

    def __init__(self) -> None:
        self._base = wall_now()
        self._mark = time.monotonic()

    async def synchronise(self, database: Database) -> None:
        """Measure the offset; the round trip's half is the error."""
        async with database.transaction(()) as tx:
            before = time.monotonic()
            base: datetime = await tx.driver.fetchval("select clock_timestamp()")
            after = time.monotonic()
        self._base, self._mark = base, (before + after) / 2

    def now(self) -> datetime:
        """Return the database's present time."""
        return self._base + timedelta(seconds=time.monotonic() - self._mark)
