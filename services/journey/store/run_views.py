"""Runs as the reader sees them: lists, traces, counts."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from libs.common.db import Tx, statement


class RunRow(NamedTuple):
    """A run in a list."""

    run_id: UUID
    journey_id: UUID
    version: int
    person_id: UUID
    key: str
    state: str
    reason: str | None
    node: str
    arm: str
    entry_time: datetime
    started_at: datetime
    ended_at: datetime | None
    converted_at: datetime | None
    due_at: datetime | None


class StepRow(NamedTuple):
    """A row of the step log."""

    sequence: int
    version: int
    node: str
    visit: int
    arrived: bool
    departed: bool
    branch: str
    reason: str
    details: Any
    at: datetime


class OutcomeView(NamedTuple):
    """What became of a message."""

    node: str
    visit: int
    state: str
    reason: str
    channel: str
    at: datetime


class NodeCount(NamedTuple):
    """How often a node was reached, and left by which way."""

    node: str
    branch: str
    arrived: int
    departed: int


_RUN = """
    select r.run_id, r.journey_id, r.version, r.person_id, r.entry_key, r.state, r.reason, r.node, r.arm, r.entry_time,
           r.started_at, r.ended_at, r.converted_at, nullif(t.due_at, '9999-01-01')
    from run r left join run_timer t on t.run_id = r.run_id
"""
_LIST = statement(f"""{_RUN}
    where r.workspace_id = :workspace_id and r.journey_id = :journey_id
      and (:state::text is null or r.state = :state)
      and (:person_id::uuid is null or r.person_id = :person_id)
      and (:before::uuid is null or r.run_id < :before)
    order by r.run_id desc limit :limit
""")
_ONE = statement(f"{_RUN} where r.run_id = :run_id")
_STEPS = statement("""
    select sequence, version, node, visit, arrived, departed, branch, reason, details, at from step_log
    where run_id = :run_id order by sequence
""")
_OUTCOMES = statement("""
    select node, visit, state, reason, channel, at from message_outcome
    where run_id = :run_id order by at, event_id
""")
_COUNTS = statement("""
    select node, branch, count(*) filter (where arrived)::int, count(*) filter (where departed)::int
    from step_log where workspace_id = :workspace_id and journey_id = :journey_id
    group by node, branch order by node, branch
""")
_STATES = statement("""
    select state, reason, arm, count(*)::int, count(converted_at)::int from run
    where workspace_id = :workspace_id and journey_id = :journey_id
    group by state, reason, arm order by state, reason, arm
""")


async def list_runs(
    tx: Tx, *, workspace_id: int, journey_id: UUID, state: str | None, person_id: UUID | None, limit: int,
    before: UUID | None,
) -> list[RunRow]:  # fmt: skip
    """Return runs of a journey, youngest first."""
    rows = await tx.fetch(
        _LIST, workspace_id=workspace_id, journey_id=journey_id, state=state, person_id=person_id, limit=limit,
        before=before,
    )  # fmt: skip
    return [RunRow(*row) for row in rows]


async def get_run(tx: Tx, *, run_id: UUID) -> RunRow | None:
    """Return a run."""
    row = await tx.fetch_one(_ONE, run_id=run_id)
    return RunRow(*row) if row else None


async def list_steps(tx: Tx, *, run_id: UUID) -> list[StepRow]:
    """Return the steps of a run, in order."""
    return [StepRow(*row) for row in await tx.fetch(_STEPS, run_id=run_id)]


async def list_outcomes(tx: Tx, *, run_id: UUID) -> list[OutcomeView]:
    """Return what became of a run's messages, in order."""
    return [OutcomeView(*row) for row in await tx.fetch(_OUTCOMES, run_id=run_id)]


async def count_nodes(tx: Tx, *, workspace_id: int, journey_id: UUID) -> list[NodeCount]:
    """Return how often nodes were reached and left, straight from the step log."""
    return [NodeCount(*row) for row in await tx.fetch(_COUNTS, workspace_id=workspace_id, journey_id=journey_id)]


class StateCount(NamedTuple):
    """How many runs are in a state, by arm, and how many of them reached the goal."""

    state: str
    reason: str | None
    arm: str
    runs: int
    converted: int


async def count_states(tx: Tx, *, workspace_id: int, journey_id: UUID) -> list[StateCount]:
    """Return how the runs of a journey stand."""
    return [StateCount(*row) for row in await tx.fetch(_STATES, workspace_id=workspace_id, journey_id=journey_id)]
