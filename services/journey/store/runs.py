"""Runs of persons who are concerned by something: found, locked, woken."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.db import Tx, load_sql, statement


class PersonInJourney(NamedTuple):
    """A person and a journey he may be in."""

    workspace_id: int
    person_no: int
    journey_id: UUID


class LiveRun(NamedTuple):
    """A run under way and where it stands."""

    run_id: UUID
    workspace_id: int
    person_no: int
    journey_id: UUID
    node: str


_LOCK_LIVE = statement("""
    select t.run_id
    from unnest(:workspace_ids::int[], :person_nos::int[], :journey_ids::uuid[])
         as k(workspace_id, person_no, journey_id)
    join run r using (workspace_id, person_no, journey_id)
    join run_timer t using (run_id)
    where r.live
    order by t.run_id
    for update of t
""")
_LOCK_TIMERS = statement("select 1 from run_timer where run_id = any(:run_ids::uuid[]) order by run_id for update")
_READ_LIVE = statement("""
    select run_id, workspace_id, person_no, journey_id, node from run
    where run_id = any(:run_ids) and live
""")
_WAKE = load_sql(__file__, "wake_runs.sql")


async def lock_live_runs(tx: Tx, persons: Sequence[PersonInJourney]) -> list[LiveRun]:
    """Return the live runs of persons in journeys, held until the transaction ends."""
    if not persons:
        return []
    workspace_ids, person_nos, journey_ids = zip(*persons, strict=True)
    locked = await tx.fetch(_LOCK_LIVE, workspace_ids=workspace_ids, person_nos=person_nos, journey_ids=journey_ids)
    if not locked:
        return []
    rows = await tx.fetch(_READ_LIVE, run_ids=[row["run_id"] for row in locked])
    return [LiveRun(*row) for row in rows]


async def lock_runs_by_id(tx: Tx, run_ids: Sequence[UUID]) -> list[LiveRun]:
    """Return those of the runs that are under way, held until the transaction ends."""
    await tx.fetch(_LOCK_TIMERS, run_ids=run_ids)
    rows = await tx.fetch(_READ_LIVE, run_ids=run_ids)
    return [LiveRun(*row) for row in rows]


async def wake_runs(tx: Tx, runs: Sequence[tuple[UUID, datetime]]) -> int:
    """Make runs due at the moments given unless they are due before; return how many moved."""
    if not runs:
        return 0
    run_ids, nows = zip(*runs, strict=True)
    return await tx.execute(_WAKE, run_ids=run_ids, nows=nows)
