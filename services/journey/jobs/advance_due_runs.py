"""The engine: claim due runs and let them step; those that need answers of other services are handed over."""

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from libs.common.bus.transient import is_transient
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.journey.store import due_runs
from services.journey.store.due_runs import Claimed
from services.journey.store.memory import JourneyMemory
from services.journey.usecases.advance_runs import advance_runs

log = logging.getLogger(__name__)


async def run(runtime: Runtime[JourneyMemory]) -> int:
    """Advance what is due in every workspace and return the number of steps taken."""
    memory = runtime.parts
    marks = {
        workspace.workspace_id: memory.mark_of(workspace.workspace_id, driven=workspace.driven_now is not None)
        for workspace in runtime.directory.workspaces()
    }
    claimed: Sequence[Claimed] = ()
    try:
        async with runtime.worker_database.transaction(list(marks)) as tx:
            claimed = await due_runs.claim_due_runs(tx, marks=marks, share=memory.fair_share)
            if not claimed:
                return 0
            sealers = {workspace_id: runtime.sealer(workspace_id) for workspace_id in marks}
            found = await advance_runs(tx, claimed, answers={}, graphs=memory.graphs, sealers=sealers)
    except Exception as error:
        if not claimed or is_transient(error):
            raise
        return await _after_failure(runtime, [timer.run_id for timer in claimed], error)
    memory.grow()
    memory.active = len({timer.workspace_id for timer in claimed})
    if found.asking:
        memory.asking += found.asking
        runtime.wake("answer_questions")
    return max(found.steps, len(claimed))


async def _after_failure(runtime: Runtime[JourneyMemory], run_ids: list[UUID], error: Exception) -> int:
    """Writing a batch failed: claim fewer until the run at fault stands alone, and count its tries then.

    Reports nothing done, so that the loop takes a breath: the fault may lie elsewhere.
    """
    log.error("a batch of runs could not be written", exc_info=error, extra={"runs": len(run_ids)})
    if len(run_ids) == 1:
        async with runtime.worker_database.transaction(()) as tx:
            await due_runs.blame_runs(tx, run_ids)
    runtime.parts.shrink()
    return 0


async def next_due(runtime: Runtime[JourneyMemory], workspace_id: int) -> datetime | None:
    """Return the earliest moment after now at which a run is due."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return await due_runs.next_due(tx, workspace_id=workspace_id)


async def open_count(runtime: Runtime[JourneyMemory], workspace_id: int) -> int:
    """Return how many runs are due and not yet looked at."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return await due_runs.count_due(tx, workspace_id=workspace_id)


job = Job(name="advance_due_runs", run=run, next_due=next_due, open=open_count, idle_seconds=0.5, workers=1)
