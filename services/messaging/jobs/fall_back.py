"""Messages whose first channel did not deliver in the stated time."""

from collections import defaultdict
from datetime import datetime

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.messaging.clients.parts import Parts
from services.messaging.store.queue import Claim, claim_due, outstanding
from services.messaging.usecases.fall_back import fall_back

BATCH = 500
CLAIM_SECONDS = 30.0


async def run(runtime: Runtime[Parts]) -> int:
    """Move one batch on to its next channel."""
    async with runtime.worker_database.transaction(()) as tx:
        by_workspace: dict[int, list[Claim]] = defaultdict(list)
        for claim in await claim_due(tx, step="fallback", size=BATCH, lease_seconds=CLAIM_SECONDS):
            by_workspace[claim.workspace_id].append(claim)
        if not by_workspace:
            return 0
        await tx.see(by_workspace)
        done = sum([await fall_back(tx, number, claims) for number, claims in by_workspace.items()])
    if done:
        runtime.wake("send_due_messages")
    return done


async def _next_due(runtime: Runtime[Parts], workspace_id: int) -> datetime | None:
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return (await outstanding(tx, workspace_id, runtime.now(workspace_id))).next_due.get("fallback")


async def _open(runtime: Runtime[Parts], workspace_id: int) -> int:
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return (await outstanding(tx, workspace_id, runtime.now(workspace_id))).due["fallback"]


job = Job(name="fall_back", run=run, next_due=_next_due, open=_open, idle_seconds=1.0)
