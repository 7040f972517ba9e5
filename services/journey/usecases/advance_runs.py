"""Let claimed runs take their steps: facts in, pure decisions, one write for all of them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common import outbox
from libs.common.db import Tx
from libs.common.personal import Sealer
from services.journey.domain.advance import ZONE, Advance, Step, advance
from services.journey.domain.graph import Graph
from services.journey.domain.node import Question
from services.journey.domain.zones import zone_or
from services.journey.store.assignments import ArmRow, add_arms
from services.journey.store.due_runs import Asking, Claimed, Loaded, Settled, load_runs, save_runs, save_timers
from services.journey.store.graphs import Graphs
from services.journey.usecases.gather_facts import Gathered, gather_facts
from services.journey.usecases.say_progress import events_of

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 5
QUESTION_LEASE_SECONDS = 60.0
_BACKOFF_SECONDS = 0.05

PersonAnswers = Mapping[tuple[int, int], Mapping[Question, Any]]
"""Answers of other services by (workspace, person)."""


@dataclass
class Round:
    """What a round of the engine did."""

    steps: int = 0
    asking: list[Asking] = field(default_factory=list)


async def advance_runs(
    tx: Tx,
    claimed: Sequence[Claimed],
    *,
    answers: PersonAnswers,
    graphs: Graphs,
    sealers: Mapping[int, Sealer],
) -> Round:
    """Advance the runs whose timers this transaction holds; a run that fails is tried again later, the others go on."""
    loaded = await load_runs(tx, claimed)
    if not loaded:
        return Round()
    known = await graphs.of(tx, {(o.run.workspace_id, o.run.journey_id, o.run.version) for o in loaded})
    gathered = await gather_facts(tx, loaded, graphs=known, sealers=sealers)
    settled = [
        _decide(one, known[one.run.workspace_id, one.run.journey_id, one.run.version], gathered, answers)
        for one in loaded
    ]
    await save_runs(tx, settled)
    leases = await save_timers(tx, settled)
    arms = [arm for one in settled for arm in _arms(one)]
    if arms:
        await add_arms(tx, arms)
    await outbox.add(tx, [event for one in settled for event in events_of(one, sealers[one.loaded.run.workspace_id])])
    return Round(
        steps=sum(len(one.advance.steps) for one in settled),
        asking=[_asking(one, leases) for one in settled if one.advance.questions],
    )


def _decide(one: Loaded, graph: Graph, gathered: Gathered, answers: PersonAnswers) -> Settled:
    run = one.run
    if run.attempts >= MOST_ATTEMPTS:
        return _given_up(one)
    known = answers.get((run.workspace_id, run.person_no), {})
    before = (run.node, run.visit, run.arriving, run.arrived_at, run.visits, run.arm)
    try:
        facts = gathered.facts_of(one, known, zone_or(run.zone or _zone(known), one.claimed.timezone))
        found = advance(run, graph, facts, one.status)
    except Exception:
        log.exception("a run failed", extra={"run_id": str(run.run_id), "attempt": run.attempts + 1})
        run.node, run.visit, run.arriving, run.arrived_at, run.visits, run.arm = before
        return _failed(one)
    lease = QUESTION_LEASE_SECONDS if found.questions else None
    return Settled(one, found, attempts=run.attempts if found.questions else 0, lease_seconds=lease)


def _zone(known: Mapping[Question, Any]) -> str | None:
    value = known.get(ZONE)
    return value if isinstance(value, str) else None


def _failed(one: Loaded) -> Settled:
    attempts = one.run.attempts + 1
    state = Advance(state="active" if one.run.arriving else "waiting")
    return Settled(one, state, attempts=attempts, lease_seconds=_BACKOFF_SECONDS * 2**attempts)


def _given_up(one: Loaded) -> Settled:
    run = one.run
    step = Step(run.node, run.visit, arrived=run.arriving, left=True, branch="exit:error", reason="it failed too often")
    return Settled(one, Advance(state="exited", reason="error", steps=[step]))


def _arms(one: Settled) -> list[ArmRow]:
    run = one.loaded.run
    return [
        ArmRow(run.workspace_id, run.journey_id, run.person_no, node, arm, one.loaded.claimed.now, run.run_id)
        for node, arm in one.advance.arms.items()
    ]


def _asking(one: Settled, leases: Mapping[UUID, datetime]) -> Asking:
    run = one.loaded.run
    return Asking(run.run_id, leases[run.run_id], run.workspace_id, run.person_no, run.person_id, one.advance.questions)
