"""Before a wait ends: wait until everything received before that moment is applied, here and in the services asked."""

import asyncio
import time
from datetime import datetime

from libs.common import backlog
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from libs.common.watermark import PATIENCE_SECONDS, reach_watermark
from services.journey.store import due_runs
from services.journey.store.memory import JourneyMemory

_DEPENDS_ON = ("identity", "profile", "segment")
_PAUSE_SECONDS = 0.02


async def run(runtime: Runtime[JourneyMemory]) -> int:
    """Raise the marks of the workspaces whose waits have ended, and wake the engine; return how many."""
    memory = runtime.parts
    marks = {
        workspace.workspace_id: memory.mark_of(workspace.workspace_id, driven=False)
        for workspace in runtime.directory.workspaces()
        if workspace.driven_now is None
    }
    if not marks:
        return 0
    async with runtime.worker_database.transaction(list(marks)) as tx:
        behind = await due_runs.overdue(tx, marks=marks)
    await asyncio.gather(*(_reach(runtime, workspace_id, now) for workspace_id, now in behind))
    if behind:
        runtime.wake("advance_due_runs")
    return len(behind)


async def _reach(runtime: Runtime[JourneyMemory], workspace_id: int, instant: datetime) -> None:
    # the others first: what they have applied may still be on its way to us
    await reach_watermark(runtime, workspace_id, instant, _DEPENDS_ON)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while await backlog.watermark(runtime, workspace_id) < instant and time.monotonic() < deadline:  # noqa: ASYNC110 - nobody rings
        await asyncio.sleep(_PAUSE_SECONDS)
    runtime.parts.marks[workspace_id] = instant


job = Job(name="reach_watermarks", run=run, idle_seconds=0.1)
