"""Time in the graph: links that expire, caps whose window moves on, and policies that changed."""

from datetime import datetime
from typing import Any

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.identity.store import regions
from services.identity.store.nodes import workspace_of
from services.identity.store.retries import lost_a_race
from services.identity.usecases.recompute_regions import recompute_regions

BATCH = 200


async def run(runtime: Runtime[Any]) -> int:
    """Look at one batch of due regions; return how many nodes named them."""
    try:
        async with runtime.worker_database.transaction([], by_index=True) as tx:
            due = await regions.claim(tx, BATCH)
            if due:
                workspace_ids = {workspace_of(one) for one in due}
                await runtime.directory.ensure_workspaces(workspace_ids)
                await tx.see(workspace_ids)
                await recompute_regions(tx, due, runtime.parts.graph)
            return len(due)
    except Exception as error:
        if lost_a_race(error):
            return 1
        raise


async def next_due(runtime: Runtime[Any], workspace_id: int) -> datetime | None:
    """Return when time changes the graph of a workspace next."""
    async with runtime.worker_database.transaction([]) as tx:
        return await regions.next_due(tx, workspace_id)


async def open_regions(runtime: Runtime[Any], workspace_id: int) -> int:
    """Return how many regions are due and not looked at."""
    async with runtime.worker_database.transaction([]) as tx:
        return await regions.count_due(tx, workspace_id, runtime.now(workspace_id))


job = Job(name="recompute_regions", run=run, next_due=next_due, open=open_regions, idle_seconds=0.5)
