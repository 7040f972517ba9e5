"""Live segments that could not be answered are computed anew now and then, until they can."""

from typing import Any

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.segment.store import troubles
from services.segment.store.recomputes import ask_recompute

PAUSE_SECONDS = 60.0


async def run(runtime: Runtime[Any]) -> int:
    """Ask for those that waited long enough to be computed for everybody; what they missed shows then."""
    workspace_ids = [workspace.workspace_id for workspace in runtime.directory.workspaces()]
    async with runtime.worker_database.transaction(workspace_ids) as tx:
        waiting = await troubles.to_try_again(tx, seconds=PAUSE_SECONDS)
        for workspace_id, segment_id, version, cause in waiting:
            await ask_recompute(tx, workspace_id, segment_id=segment_id, version=version, cause=cause)
    if waiting:
        runtime.wake("answer_rounds")
    return 0


async def open_count(runtime: Runtime[Any], workspace_id: int) -> int:
    """Nobody waits for what cannot be done."""
    del runtime, workspace_id
    return 0


job = Job(name="try_again", run=run, open=open_count, idle_seconds=PAUSE_SECONDS / 2)
