"""Puts changed workspaces, sources and keys into the bucket all services follow."""

import asyncio
from typing import Any

from libs.common.access.feed import BUCKET
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.identity.store import access

PUT_SECONDS = 2.0


async def run(runtime: Runtime[Any]) -> int:
    """Put, then forget; a crash between the two puts the same record again, which changes nothing."""
    async with runtime.worker_database.transaction(()) as tx:
        changes = await access.changed_records(tx)
        if not changes:
            return 0
        bucket = await runtime.bus.key_value(BUCKET)
        for name, document, _version in changes:
            # the rows stay locked, so that an older record never overwrites a younger one; not long when the bus hangs
            async with asyncio.timeout(PUT_SECONDS):
                await bucket.put(name, document)
        await access.forget_changes(tx, [name for name, _, _ in changes])
        return len(changes)


async def open_count(runtime: Runtime[Any], workspace_id: int) -> int:
    """Count the workspace's records that are not in the bucket yet."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return await access.count_changes(tx, workspace_id)


job = Job(name="publish_access", run=run, open=open_count, idle_seconds=0.25)
