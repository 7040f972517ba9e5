"""Goals reached after a run was over."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.db import Tx, statement
from services.journey.store.runs import PersonInJourney


class OpenGoal(NamedTuple):
    """A run that is over and may still count as converted."""

    workspace_id: int
    run_id: UUID
    journey_id: UUID
    version: int
    person_no: int
    person_id: UUID
    entry_event_id: UUID | None
    entry_time: datetime
    goal_until: datetime
    context: str | None
    sealed: str | None
    state: str
    reason: str | None
    arm: str
    node: str
    sequence: int


_OPEN = statement("""
    select r.workspace_id, r.run_id, r.journey_id, r.version, r.person_no, r.person_id, r.entry_event_id, r.entry_time,
           r.goal_until, r.context::text, r.sealed, r.state, r.reason, r.arm, r.node, r.sequence
    from unnest(:workspace_ids::int[], :person_nos::int[], :journey_ids::uuid[])
         as k(workspace_id, person_no, journey_id)
    join run r using (workspace_id, person_no, journey_id)
    where not r.live and r.converted_at is null and r.goal_until is not null
    order by r.run_id
    for update of r
""")
_CONVERT = statement("""
    update run r set converted_at = k.at
    from unnest(:run_ids::uuid[], :ats::timestamptz[]) as k(run_id, at)
    where r.run_id = k.run_id
""")


async def lock_open_goals(tx: Tx, persons: Sequence[PersonInJourney]) -> list[OpenGoal]:
    """Return the ended runs of persons in journeys whose goal is still open."""
    if not persons:
        return []
    workspace_ids, person_nos, journey_ids = zip(*persons, strict=True)
    rows = await tx.fetch(_OPEN, workspace_ids=workspace_ids, person_nos=person_nos, journey_ids=journey_ids)
    return [OpenGoal(*row) for row in rows]


async def convert(tx: Tx, reached: Sequence[tuple[OpenGoal, datetime]]) -> None:
    """Note when the goals were reached."""
    await tx.execute(
        _CONVERT,
        run_ids=[run.run_id for run, _ in reached],
        ats=[at for _, at in reached],
    )
