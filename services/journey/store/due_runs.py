"""The engine's tables: claim what is due, load it, write where it stands now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from libs.common.db import Tx, load_sql, statement
from services.journey.domain.advance import Advance, JourneyStatus
from services.journey.domain.node import Question
from services.journey.domain.run import Run

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""The timer of a run that waits for something else than time."""


class Claimed(NamedTuple):
    """A due timer, held by this transaction."""

    run_id: UUID
    workspace_id: int
    planned_at: datetime
    attempts: int
    now: datetime
    timezone: str


@dataclass(slots=True)
class Loaded:
    """A claimed run with what only the engine needs: its journey's state, and how it was entered.

    `sealed` is the personal part of the entry event, `entered_as` the person's number then, `subject_no` the identifier
    it came by.
    """

    claimed: Claimed
    run: Run
    status: JourneyStatus
    journey_name: str
    context: str | None
    sealed: str | None
    entered_as: int
    subject_no: int


@dataclass(frozen=True)
class Asking:
    """A run that cannot go on without answers, leased to this worker until then."""

    run_id: UUID
    lease: datetime
    workspace_id: int
    person_no: int
    person_id: UUID
    questions: tuple[Question, ...]


@dataclass(slots=True)
class Settled:
    """What to write for one run; `lease_seconds` keeps it from being claimed again at once."""

    loaded: Loaded
    advance: Advance
    attempts: int = 0
    lease_seconds: float | None = None


_CLAIM = load_sql(__file__, "claim_due_runs.sql")
_CLAIM_LEASED = load_sql(__file__, "claim_leased_runs.sql")
_CLAIM_UNCHANGED = load_sql(__file__, "claim_unchanged_runs.sql")
_LOAD = load_sql(__file__, "load_runs.sql")
_JOURNEYS = statement("select journey_id, status, name from journey where journey_id = any(:journey_ids::uuid[])")
_SAVE_RUNS = load_sql(__file__, "save_runs.sql")
_SAVE_TIMERS = load_sql(__file__, "save_timers.sql")
_DROP_TIMERS = statement("delete from run_timer where run_id = any(:run_ids::uuid[])")
_ADD_STEPS = load_sql(__file__, "add_steps.sql")
_NEXT_DUE = statement("""
    select min(due_at) from run_timer
    where workspace_id = :workspace_id and due_at > workspace_now(:workspace_id) and due_at < '9999-01-01'
""")
_OPEN = statement("""
    select count(*) from (
        select from run_timer where workspace_id = :workspace_id and due_at <= workspace_now(:workspace_id) limit 10000
    ) due
""")
_OVERDUE = statement("""
    select w.workspace_id, clock_timestamp() as now
    from workspace w
    left join unnest(:workspace_ids::int[], :marks::timestamptz[]) as k(workspace_id, mark) using (workspace_id)
    where w.driven_now is null and w.status = 'active' and not w.held and w.workspace_id <> all(:under_way::int[])
      and exists (
        select from run_timer t
        where t.workspace_id = w.workspace_id and t.due_at > coalesce(k.mark, '-infinity')
          and t.due_at <= clock_timestamp() and t.on_time
    )
    order by k.mark nulls first
    limit :most
""")
_STILL_LEASED = statement("""
    select t.run_id from unnest(:run_ids::uuid[], :leases::timestamptz[]) as k(run_id, lease)
    join run_timer t on t.run_id = k.run_id and t.leased_until = k.lease and t.leased_until > clock_timestamp()
    join workspace w on w.workspace_id = t.workspace_id and w.status = 'active' and not w.held
    join run r on r.run_id = t.run_id and r.state in ('active', 'waiting')
""")
_SHORTEN = statement("""
    update run_timer set leased_until = clock_timestamp() + :seconds::float8 * interval '1 second'
    where run_id = any(:run_ids::uuid[]) and leased_until is not null
""")
_BLAME = statement("""
    update run_timer set attempts = least(attempts + 1, 1000),
        leased_until = clock_timestamp() + interval '1 second' * power(2, least(greatest(attempts - 4, 0), 8))
    where run_id = any(:run_ids::uuid[])
""")


async def claim_due_runs(
    tx: Tx, *, marks: Mapping[int, datetime], share: int, resting: Collection[int] = ()
) -> list[Claimed]:
    """Hold up to `share` due timers of each workspace but the resting; those another worker holds are passed over.

    `marks` says, by workspace, up to when everything received is applied: waits end no further than that.
    """
    rows = await tx.fetch(
        _CLAIM, workspace_ids=list(marks), marks=list(marks.values()), share=share, resting=list(resting)
    )
    return [Claimed(*row) for row in rows]


async def claim_unchanged_runs(tx: Tx, planned: Sequence[tuple[UUID, datetime]]) -> list[Claimed]:
    """Hold timers that a failed transaction had claimed, by run and planned moment, unless somebody touched them."""
    run_ids, moments = zip(*planned, strict=True)
    return [Claimed(*row) for row in await tx.fetch(_CLAIM_UNCHANGED, run_ids=run_ids, planned=moments)]


async def claim_leased_runs(tx: Tx, leases: Sequence[tuple[UUID, datetime]]) -> list[Claimed]:
    """Hold the timers that this worker leased before, as far as nobody took them over."""
    run_ids, until = zip(*leases, strict=True)
    return [Claimed(*row) for row in await tx.fetch(_CLAIM_LEASED, run_ids=run_ids, leases=until)]


async def still_leased(tx: Tx, leases: Sequence[tuple[UUID, datetime]]) -> set[UUID]:
    """Return the runs that are leased to this worker as before: another transaction held them when they were due."""
    run_ids, until = zip(*leases, strict=True)
    return {row["run_id"] for row in await tx.fetch(_STILL_LEASED, run_ids=run_ids, leases=until)}


async def load_runs(tx: Tx, claimed: Sequence[Claimed]) -> list[Loaded]:
    """Return the runs of claimed timers, locked."""
    by_id = {timer.run_id: timer for timer in claimed}
    rows = await tx.fetch(_LOAD, run_ids=list(by_id))
    states = await tx.fetch(_JOURNEYS, journey_ids=list({row["journey_id"] for row in rows}))
    journeys = {row["journey_id"]: (row["status"], row["name"]) for row in states}
    found: list[Loaded] = []
    for row in rows:
        timer = by_id[row["run_id"]]
        run = Run(
            run_id=row["run_id"], workspace_id=row["workspace_id"], journey_id=row["journey_id"],
            version=row["version"], person_no=row["person_no"], person_id=row["person_id"],
            entry_time=row["entry_time"], entry_event_id=row["entry_event_id"], node=row["node"], visit=row["visit"],
            arriving=row["arriving"], arrived_at=row["arrived_at"], planned_at=timer.planned_at,
            visits=row["visits"] or {}, zone=row["zone"], arm=row["arm"], sequence=row["sequence"],
            attempts=timer.attempts,
        )  # fmt: skip
        status, name = journeys[run.journey_id]
        entry = (row["context"], row["sealed"], row["entered_as"], row["subject_no"])
        found.append(Loaded(timer, run, status, name, *entry))
    return found


async def save_runs(tx: Tx, settled: Sequence[Settled]) -> None:
    """Write state and steps of runs; the sequence of each grows by its steps."""
    runs = [(s.loaded.run, s.advance, s.loaded.claimed.now) for s in settled]
    await tx.execute(
        _SAVE_RUNS,
        run_ids=[run.run_id for run, _, _ in runs],
        ended=[advance.ended for _, advance, _ in runs],
        states=[advance.state for _, advance, _ in runs],
        reasons=[advance.reason for _, advance, _ in runs],
        nodes=[run.node for run, _, _ in runs],
        visit_nos=[run.visit for run, _, _ in runs],
        arriving=[run.arriving for run, _, _ in runs],
        arrived=[run.arrived_at for run, _, _ in runs],
        visits=[msgspec.json.encode(run.visits).decode() if run.visits else None for run, _, _ in runs],
        arms=[run.arm for run, _, _ in runs],
        sequences=[run.sequence + len(advance.steps) for run, advance, _ in runs],
        converted=[advance.converted_at for _, advance, _ in runs],
        nows=[now for _, _, now in runs],
    )
    await _add_steps(tx, settled)


async def _add_steps(tx: Tx, settled: Sequence[Settled]) -> None:
    steps = [
        (
            run.workspace_id, run.run_id, run.sequence + number, run.journey_id, run.version, step.node, step.visit,
            step.arrived, step.left, step.branch, step.reason,
            msgspec.json.encode(step.values).decode() if step.values is not None else None, s.loaded.claimed.now,
        )
        for s in settled
        for run in (s.loaded.run,)
        for number, step in enumerate(s.advance.steps, start=1)
    ]  # fmt: skip
    if not steps:
        return
    names = (
        "workspace_ids", "run_ids", "sequences", "journey_ids", "versions", "nodes", "visits", "arrived", "departed",
        "branches", "reasons", "details", "ats",
    )  # fmt: skip
    await tx.execute(_ADD_STEPS, **dict(zip(names, zip(*steps, strict=True), strict=True)))


async def save_timers(tx: Tx, settled: Sequence[Settled]) -> dict[UUID, datetime]:
    """Arm or drop the timers, and return the leases given."""
    ended = [s.loaded.run.run_id for s in settled if s.advance.ended]
    if ended:
        await tx.execute(_DROP_TIMERS, run_ids=ended)
    going = [s for s in settled if not s.advance.ended]
    if not going:
        return {}
    rows = await tx.fetch(
        _SAVE_TIMERS,
        run_ids=[s.loaded.run.run_id for s in going],
        dues=[_due(s) for s in going],
        planned=[s.loaded.run.planned_at if s.advance.parked else None for s in going],
        on_time=[s.advance.state == "waiting" and s.lease_seconds is None for s in going],
        attempts=[s.attempts for s in going],
        leases=[s.lease_seconds for s in going],
    )
    return {row["run_id"]: row["leased_until"] for row in rows if row["leased_until"] is not None}


def _due(settled: Settled) -> datetime:
    if settled.advance.parked:
        return NEVER
    if settled.advance.state == "waiting" and settled.lease_seconds is None:
        return settled.advance.due_at or NEVER
    return settled.loaded.claimed.planned_at


async def shorten_leases(tx: Tx, run_ids: Sequence[UUID], *, seconds: float) -> None:
    """Let runs be claimed again soon: nobody answered."""
    await tx.execute(_SHORTEN, run_ids=list(run_ids), seconds=seconds)


async def blame_runs(tx: Tx, run_ids: Sequence[UUID]) -> None:
    """Count a failed try of runs whose writing failed, and leave them alone for a second, later for longer."""
    await tx.execute(_BLAME, run_ids=list(run_ids))


async def overdue(
    tx: Tx, *, marks: Mapping[int, datetime], under_way: Collection[int], most: int
) -> list[tuple[int, datetime]]:
    """Return workspaces, but those under way, in which waits have ended beyond their mark, and the present.

    Those whose mark was raised the longest ago come first.
    """
    rows = await tx.fetch(
        _OVERDUE, workspace_ids=list(marks), marks=list(marks.values()), under_way=list(under_way), most=most
    )
    return [(row[0], row[1]) for row in rows]


async def next_due(tx: Tx, *, workspace_id: int) -> datetime | None:
    """Return the earliest moment after now at which a run is due."""
    found: datetime | None = await tx.fetch_value(_NEXT_DUE, workspace_id=workspace_id)
    return found


async def count_due(tx: Tx, *, workspace_id: int) -> int:
    """Return how many runs are due and not yet looked at; of many, ten thousand: a backlog is not counted through."""
    found: int = await tx.fetch_value(_OPEN, workspace_id=workspace_id)
    return found
