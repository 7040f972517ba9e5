"""Forget what was heard of persons and can no longer matter."""

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.journey.store.memory import JourneyMemory
from services.journey.store.signals import forget_signals


async def run(runtime: Runtime[JourneyMemory]) -> int:
    """Delete what is older than the horizon and concerns no run under way; report nothing, so that it rests."""
    workspace_ids = [workspace.workspace_id for workspace in runtime.directory.workspaces()]
    async with runtime.worker_database.transaction(workspace_ids) as tx:
        await forget_signals(tx, horizon_seconds=runtime.parts.horizon_seconds)
    return 0


job = Job(name="forget_signals", run=run, idle_seconds=600)
