"""The engine: claim due runs and let them step; those that need answers of other services are handed over."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from libs.common.bus.transient import is_transient
from libs.common.jobs import Job
from libs.common.personal import Sealer
from libs.common.runtime import Runtime
from services.journey.store import due_runs
from services.journey.store.due_runs import Claimed
from services.journey.store.memory import JourneyMemory
from services.journey.usecases.advance_apart import Handle, advance_apart
from services.journey.usecases.advance_runs import advance_runs
from services.journey.usecases.open_sealers import open_sealers

log = logging.getLogger(__name__)


async def run(runtime: Runtime[JourneyMemory]) -> int:
    """Advance what is due in every workspace and return the number of steps taken."""
    memory = runtime.parts
    marks, resting = memory.recent_marks(runtime.clock.now()), memory.resting()
    claimed: Sequence[Claimed] = ()
    sealers: dict[int, Sealer] = {}
    try:
        # the queue is read across workspaces; only those that have something due are seen after that
        async with runtime.worker_database.transaction(()) as tx:
            found = await due_runs.claim_due_runs(tx, marks=marks, share=memory.fair_share, resting=resting)
            sealers = open_sealers(runtime, {timer.workspace_id for timer in found})
            claimed = [timer for timer in found if timer.workspace_id in sealers]
            if not claimed:
                return 0
            await tx.see(sealers)
            done = await advance_runs(tx, claimed, answers={}, graphs=memory.graphs, sealers=sealers)
    except Exception as error:
        if not claimed or is_transient(error):
            raise
        log.warning("a batch of runs could not be written", exc_info=error, extra={"runs": len(claimed)})
        handles: dict[int, list[Handle]] = defaultdict(list)
        for timer in claimed:
            handles[timer.workspace_id].append((timer.run_id, timer.planned_at))
        done = await advance_apart(
            runtime, handles, claim=due_runs.claim_unchanged_runs, answers={}, sealers=sealers
        )  # fmt: skip
    memory.active = len(sealers)
    if done.asking:
        memory.asking += done.asking
        runtime.wake("answer_questions")
    return max(done.steps, len(claimed))


async def next_due(runtime: Runtime[JourneyMemory], workspace_id: int) -> datetime | None:
    """Return the earliest moment after now at which a run is due."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return await due_runs.next_due(tx, workspace_id=workspace_id)


async def open_count(runtime: Runtime[JourneyMemory], workspace_id: int) -> int:
    """Return how many runs are due and not yet looked at."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return await due_runs.count_due(tx, workspace_id=workspace_id)


job = Job(name="advance_due_runs", run=run, next_due=next_due, open=open_count, idle_seconds=0.5, workers=1)
