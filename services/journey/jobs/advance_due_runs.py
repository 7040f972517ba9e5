"""The engine: claim due runs, let them step, ask what has to be asked between two transactions."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.bus.transient import is_transient
from libs.common.errors import Invalid, NotFound
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.journey.clients.questions import ask
from services.journey.domain.node import Question
from services.journey.store import due_runs
from services.journey.store.due_runs import Claimed
from services.journey.store.memory import JourneyMemory
from services.journey.usecases.advance_runs import Asking, Round, advance_runs

log = logging.getLogger(__name__)

_MOST_QUESTION_ROUNDS = 10


async def run(runtime: Runtime[JourneyMemory]) -> int:
    """Advance what is due in every workspace and return the number of steps taken."""
    marks = {
        workspace.workspace_id: runtime.parts.mark_of(workspace.workspace_id, driven=workspace.driven_now is not None)
        for workspace in runtime.directory.workspaces()
    }
    claimed: Sequence[Claimed] = ()
    try:
        async with runtime.worker_database.transaction(list(marks)) as tx:
            claimed = await due_runs.claim_due_runs(tx, marks=marks, share=runtime.parts.share)
            if not claimed:
                return 0
            found = await _advance(tx, runtime, claimed, {})
    except Exception as error:
        if not claimed or is_transient(error):
            raise
        return await _after_failure(runtime, [timer.run_id for timer in claimed], error)
    runtime.parts.grow()
    await _answer(runtime, found.asking)
    return max(found.steps, len(claimed))


async def _advance(
    tx: Any, runtime: Runtime[JourneyMemory], claimed: Sequence[Claimed], answers: dict[tuple[int, int], Any]
) -> Round:
    workspaces = {timer.workspace_id for timer in claimed}
    sealers = {workspace_id: runtime.sealer(workspace_id) for workspace_id in workspaces}
    return await advance_runs(tx, claimed, answers=answers, graphs=runtime.parts.graphs, sealers=sealers)


async def _answer(runtime: Runtime[JourneyMemory], asking: list[Asking]) -> None:
    """Ask the other services outside any transaction, then go on with what they said, until nothing is asked."""
    answers: dict[tuple[int, int], dict[Question, Any]] = {}
    for _ in range(_MOST_QUESTION_ROUNDS):
        if not asking:
            return
        refused = await _ask(runtime, asking, answers)
        leases = [(one.run_id, one.lease) for one in asking if one.run_id not in refused]
        async with runtime.worker_database.transaction(sorted({one.workspace_id for one in asking})) as tx:
            if refused:
                await due_runs.blame_runs(tx, sorted(refused))
            claimed = await due_runs.claim_leased_runs(tx, leases) if leases else []
            asking = (await _advance(tx, runtime, claimed, answers)).asking if claimed else []


async def _ask(
    runtime: Runtime[JourneyMemory], asking: list[Asking], answers: dict[tuple[int, int], dict[Question, Any]]
) -> set[UUID]:
    """Fill `answers`; return the runs whose question the other service does not understand."""
    refused: set[UUID] = set()
    for workspace_id in sorted({one.workspace_id for one in asking}):
        ours = [one for one in asking if one.workspace_id == workspace_id]
        for question in sorted({question for one in ours for question in one.questions}):
            concerned = [one for one in ours if question in one.questions]
            persons = {(one.person_no, one.person_id) for one in concerned}
            try:
                found = await ask(runtime.peers, workspace_id, {question: persons})
            except (Invalid, NotFound) as problem:
                log.warning("a question was refused", extra={"question": question.kind, "why": problem.detail})
                refused |= {one.run_id for one in concerned}
                continue
            for person_no, said in found.items():
                answers.setdefault((workspace_id, person_no), {}).update(said)
    return refused


async def _after_failure(runtime: Runtime[JourneyMemory], run_ids: list[UUID], error: Exception) -> int:
    """Writing a batch failed: claim fewer until the run at fault stands alone, and count its tries then."""
    log.error("a batch of runs could not be written", exc_info=error, extra={"runs": len(run_ids)})
    if len(run_ids) == 1:
        async with runtime.worker_database.transaction(()) as tx:
            await due_runs.blame_runs(tx, run_ids)
    runtime.parts.shrink()
    return 1


async def next_due(runtime: Runtime[JourneyMemory], workspace_id: int) -> datetime | None:
    """Return the earliest moment after now at which a run is due."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return await due_runs.next_due(tx, workspace_id=workspace_id)


async def open_count(runtime: Runtime[JourneyMemory], workspace_id: int) -> int:
    """Return how many runs are due and not yet looked at."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return await due_runs.count_due(tx, workspace_id=workspace_id)


job = Job(name="advance_due_runs", run=run, next_due=next_due, open=open_count, idle_seconds=0.5, workers=1)
