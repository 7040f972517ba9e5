"""Grants end by time: say so to those who follow consent. The answer to a send looks at the ledger itself."""

from datetime import datetime

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.profile.store import consent_expiries
from services.profile.usecases.expire_grants import expire_grants
from services.profile.usecases.means import means_of

BATCH_PERSONS = 500


async def run(runtime: Runtime[None]) -> int:
    """Look again at the persons whose grants have just expired."""
    async with runtime.worker_database.transaction(()) as tx:
        due = await consent_expiries.due_expiries(tx, BATCH_PERSONS)
        workspaces = sorted({person.workspace_id for person in due})
        await tx.see(workspaces)
        await runtime.directory.ensure_workspaces(workspaces)
        people = await expire_grants(tx, due, means=means_of(runtime))
        return len(people)


async def next_due(runtime: Runtime[None], workspace_id: int) -> datetime | None:
    """Return when the next grant expires."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return await consent_expiries.next_expiry(tx, workspace_id)


async def open_count(runtime: Runtime[None], workspace_id: int) -> int:
    """Return how many expiries are due and not looked at."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return await consent_expiries.open_expiries(tx, workspace_id)


job = Job(name="expire_consents", run=run, next_due=next_due, open=open_count)
