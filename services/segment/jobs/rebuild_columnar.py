"""Rebuilding goes on step by step while the replays bring everything back."""

from typing import Any

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.segment.store import rebuilds
from services.segment.usecases.rebuild_columnar import rebuild_columnar


async def run(runtime: Runtime[Any]) -> int:
    """Take every open rebuild one step on."""
    async with runtime.worker_database.transaction(()) as tx:
        waiting = await rebuilds.open_rebuilds(tx)
    return sum([await rebuild_columnar(runtime, rebuild) for rebuild in waiting])


async def open_count(runtime: Runtime[Any], workspace_id: int) -> int:
    """Return 1 while the workspace is being rebuilt."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return int(await rebuilds.is_open(tx, workspace_id))


job = Job(name="rebuild_columnar", run=run, open=open_count, idle_seconds=0.5)
