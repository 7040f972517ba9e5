"""Per source and day: how much was posted, and what became of it."""

from collections.abc import Sequence
from datetime import date

import msgspec

from libs.common.db import Tx, load_sql, statement

_ADD = load_sql(__file__, "add_counts.sql")
_READ = statement(
    "select source_id, day, posted, accepted, duplicate, conflict, quarantined, refused, replayed from source_counter"
    " where workspace_id = :workspace_id and day >= :since and day < :until order by source_id, day"
)
OUTCOMES = ("posted", "accepted", "duplicate", "conflict", "quarantined", "refused", "replayed")


class Counts(msgspec.Struct):
    """What became of the calls of one source on one day."""

    workspace_id: int
    source_id: int
    day: date
    posted: int = 0
    accepted: int = 0
    duplicate: int = 0
    conflict: int = 0
    quarantined: int = 0
    refused: int = 0
    replayed: int = 0


async def add_counts(tx: Tx, counts: Sequence[Counts]) -> None:
    """Add to the counters; the last statement of a group, since it locks a row per source."""
    rows = sorted(counts, key=lambda row: (row.workspace_id, row.source_id, row.day))
    await tx.execute(
        _ADD,
        workspace_ids=[row.workspace_id for row in rows],
        source_ids=[row.source_id for row in rows],
        days=[row.day for row in rows],
        **{f"{name}_counts": [getattr(row, name) for row in rows] for name in OUTCOMES},
    )


async def read_counts(tx: Tx, workspace_id: int, since: date, until: date) -> list[Counts]:
    """Return the counters of a workspace for the days from `since` to before `until`."""
    rows = await tx.fetch(_READ, workspace_id=workspace_id, since=since, until=until)
    return [Counts(workspace_id=workspace_id, **dict(row)) for row in rows]
