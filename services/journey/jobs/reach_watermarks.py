"""Before a wait ends: wait until everything received before that moment is applied, here and in the services asked."""

import asyncio
import logging
import time
from datetime import datetime

from libs.common import backlog
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from libs.common.watermark import PATIENCE_SECONDS, reach_watermark
from services.journey.store import due_runs
from services.journey.store.memory import JourneyMemory

log = logging.getLogger(__name__)

MOST_AT_ONCE = 64
_DEPENDS_ON = ("identity", "profile", "segment")
_PAUSE_SECONDS = 0.02


async def run(runtime: Runtime[JourneyMemory]) -> int:
    """Begin to raise the marks of workspaces whose waits have ended; return how many.

    Each workspace waits in a task of its own and wakes the engine by itself: one that is behind delays no other.
    """
    memory = runtime.parts
    free = MOST_AT_ONCE - len(memory.reaching)
    if free <= 0:
        return 0
    marks = memory.recent_marks(runtime.clock.now())
    async with runtime.worker_database.transaction(()) as tx:
        behind = await due_runs.overdue(tx, marks=marks, under_way=list(memory.reaching), most=free)
    for workspace_id, now in behind:
        memory.reaching[workspace_id] = asyncio.create_task(
            _reach(runtime, workspace_id, now), name=f"reach the watermark of {workspace_id}"
        )
    return len(behind)


async def _reach(runtime: Runtime[JourneyMemory], workspace_id: int, instant: datetime) -> None:
    memory = runtime.parts
    try:
        # the others first: what they have applied may still be on its way to us
        await reach_watermark(runtime, workspace_id, instant, _DEPENDS_ON)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while await backlog.watermark(runtime, workspace_id) < instant and time.monotonic() < deadline:  # noqa: ASYNC110 - nobody rings
            await asyncio.sleep(_PAUSE_SECONDS)
        memory.marks[workspace_id] = instant
        runtime.wake("advance_due_runs")
    except Exception:
        log.exception("a watermark could not be reached; it is tried again", extra={"workspace_id": workspace_id})
        await asyncio.sleep(1.0)
    finally:
        del memory.reaching[workspace_id]


job = Job(name="reach_watermarks", run=run, idle_seconds=0.1)
