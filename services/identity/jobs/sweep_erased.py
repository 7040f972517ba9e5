"""What is kept unread is looked through for the identifiers of erased persons."""

from typing import Any

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.identity.store import erasures
from services.identity.usecases.sweep_quarantine import sweep_quarantine


async def run(runtime: Runtime[Any]) -> int:
    """Look through one chunk for the oldest erasure; return 1 while there is one."""
    async with runtime.worker_database.transaction([]) as tx:
        entry = await erasures.claim_sweep(tx)
        if entry is None:
            return 0
        await runtime.directory.ensure_workspaces([entry.workspace_id])
        await tx.see([entry.workspace_id])
        await sweep_quarantine(tx, entry, runtime.parts.graph)
    return 1


async def open_sweeps(runtime: Runtime[Any], workspace_id: int) -> int:
    """Return how many erasures of a workspace are still searched for."""
    async with runtime.worker_database.transaction([]) as tx:
        return await erasures.open_sweeps(tx, workspace_id)


job = Job(name="sweep_erased", run=run, open=open_sweeps, idle_seconds=2.0)
