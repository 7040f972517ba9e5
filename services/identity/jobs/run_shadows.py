"""Shadow runs of policies, one at a time, from end to end in one reading transaction."""

from typing import Any

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.identity.store import shadows
from services.identity.usecases.run_shadow import run_shadow


async def run(runtime: Runtime[Any]) -> int:
    """Take the oldest run; return 1 when there was one. A worker that dies leaves it on the queue."""
    async with runtime.worker_database.transaction([]) as tx:
        claimed = await shadows.claim(tx)
        if claimed is None:
            return 0
        workspace_id, shadow_id = claimed
        await runtime.directory.ensure_workspaces([workspace_id])
        await tx.see([workspace_id])
        shadow = await shadows.find(tx, workspace_id, shadow_id)
        if shadow is not None:
            report = await run_shadow(tx, runtime.parts.graph, shadow)
            await shadows.finish(tx, workspace_id, shadow_id, report, runtime.now(workspace_id))
    return 1


async def open_shadows(runtime: Runtime[Any], workspace_id: int) -> int:
    """Return how many runs of a workspace are not done."""
    async with runtime.worker_database.transaction([]) as tx:
        return await shadows.count_open(tx, workspace_id)


job = Job(name="run_shadows", run=run, open=open_shadows, idle_seconds=1.0)
