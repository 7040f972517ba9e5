"""Evidence that nobody sent renamed where it has an id of before, a chunk a transaction."""

from typing import Any

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.identity.store import renaming
from services.identity.store.retries import lost_a_race
from services.identity.usecases.rename_derived import rename_derived


async def run(runtime: Runtime[Any]) -> int:
    """Look at one chunk of the oldest pass; return 1 while there are any."""
    try:
        async with runtime.worker_database.transaction([]) as tx:
            one = await renaming.claim(tx)
            if one is None:
                return 0
            await tx.see([one.workspace_id])
            await rename_derived(tx, one)
    except Exception as error:
        if not lost_a_race(error):
            raise
    return 1


async def open_passes(runtime: Runtime[Any], workspace_id: int) -> int:
    """Return how many passes of a workspace are due and not through."""
    async with runtime.worker_database.transaction([]) as tx:
        return await renaming.count_open(tx, workspace_id)


job = Job(name="rename_derived", run=run, open=open_passes, idle_seconds=60.0)
