"""What could not be taken is looked through for persons who had been erased before it came."""

from typing import Any

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.identity.store import quarantine
from services.identity.usecases.look_through_quarantine import look_through_quarantine

CHUNK_ROWS = 100


async def run(runtime: Runtime[Any]) -> int:
    """Look through the next calls of any workspaces; return how many there were."""
    async with runtime.worker_database.transaction([]) as tx:
        claimed = await quarantine.claim_new(tx, CHUNK_ROWS)
        await runtime.directory.ensure_workspaces(claimed)
        await tx.see(claimed)
        for workspace_id, ids in claimed.items():
            await look_through_quarantine(tx, runtime.parts.graph, workspace_id, ids)
    return sum(map(len, claimed.values()))


async def open_calls(runtime: Runtime[Any], workspace_id: int) -> int:
    """Return how many calls of a workspace are not looked through."""
    async with runtime.worker_database.transaction([]) as tx:
        return await quarantine.count_new(tx, workspace_id)


job = Job(name="look_through_quarantine", run=run, open=open_calls, idle_seconds=2.0)
