"""Known identifiers taken for spellings of others where the policies have come to say so, a chunk a transaction."""

from typing import Any

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.identity.store import respelling_queue
from services.identity.store.retries import lost_a_race
from services.identity.usecases.respell_identifiers import respell_identifiers


async def run(runtime: Runtime[Any]) -> int:
    """Look at one chunk for the oldest policies; return 1 while there are any."""
    try:
        async with runtime.worker_database.transaction([]) as tx:
            entry = await respelling_queue.claim(tx)
            if entry is None:
                return 0
            await runtime.directory.ensure_workspaces([entry.workspace_id])
            await tx.see([entry.workspace_id])
            await respell_identifiers(tx, entry, runtime.parts.graph)
    except Exception as error:
        if not lost_a_race(error):
            raise
    return 1


async def open_respellings(runtime: Runtime[Any], workspace_id: int) -> int:
    """Return how many sets of policies of a workspace are not followed through."""
    async with runtime.worker_database.transaction([]) as tx:
        return await respelling_queue.count_open(tx, workspace_id)


job = Job(name="respell_identifiers", run=run, open=open_respellings, idle_seconds=2.0)
