"""Puts every record into a bucket that lost them: a broker that was wiped or went back must not bring keys to life."""

from typing import Any

from libs.common.access.feed import BUCKET
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.identity.store import access


async def run(runtime: Runtime[Any]) -> int:
    """Queue all records at the first look and whenever the bucket lacks one; report nothing, so that it rests."""
    async with runtime.worker_database.transaction(()) as tx:
        name = await access.first_record_name(tx)
    if name is None:
        return 0
    bucket = await runtime.bus.key_value(BUCKET)
    if runtime.parts.access_told and await bucket.get(name) is not None:
        return 0
    async with runtime.worker_database.transaction(()) as tx:
        await access.requeue_all(tx)
    runtime.parts.access_told = True
    runtime.wake("publish_access")
    return 0


async def open_count(_runtime: Runtime[Any], _workspace_id: int) -> int:
    """Nothing that a workspace waits for."""
    return 0


job = Job(name="refill_access", run=run, open=open_count, idle_seconds=5.0)
