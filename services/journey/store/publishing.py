"""What publishing, pausing and stopping do to the runs inside."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.db import Tx, load_sql, statement

RELEASED_PER_SECOND = 1_000


class Inside(NamedTuple):
    """How many live runs stand in a node of a version."""

    version: int
    node: str
    runs: int


_INSIDE = statement("""
    select version, node, count(*)::int from run
    where workspace_id = :workspace_id and journey_id = :journey_id and live
    group by version, node order by version, node
""")
_LOCK = statement("""
    select 1 from run_timer t join run r on r.run_id = t.run_id
    where r.workspace_id = :workspace_id and r.journey_id = :journey_id and r.live
    order by t.run_id for update of t
""")
_MOVE = load_sql(__file__, "move_runs.sql")
_RELEASE = load_sql(__file__, "release_timers.sql")


async def count_inside(tx: Tx, *, workspace_id: int, journey_id: UUID) -> list[Inside]:
    """Return where the live runs of a journey stand."""
    rows = await tx.fetch(_INSIDE, workspace_id=workspace_id, journey_id=journey_id)
    return [Inside(*row) for row in rows]


async def move_runs(tx: Tx, *, workspace_id: int, journey_id: UUID, version: int, staying: Sequence[str]) -> int:
    """Take live runs over to a version, and return how many."""
    await tx.fetch(_LOCK, workspace_id=workspace_id, journey_id=journey_id)
    return await tx.execute(
        _MOVE, workspace_id=workspace_id, journey_id=journey_id, version=version, staying=list(staying)
    )


async def release_timers(
    tx: Tx, *, workspace_id: int, journey_id: UUID, now: datetime, parked_only: bool = False
) -> int:
    """Have live runs (those a pause kept, if `parked_only`) looked at again through the throttle."""
    await tx.fetch(_LOCK, workspace_id=workspace_id, journey_id=journey_id)
    return await tx.execute(
        _RELEASE, workspace_id=workspace_id, journey_id=journey_id, now=now, parked_only=parked_only,
        rate=RELEASED_PER_SECOND,
    )  # fmt: skip
