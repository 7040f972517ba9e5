"""What is still open in a workspace, and when the clock alone will open more."""

from datetime import datetime

from libs.common.runtime import Runtime
from services.segment.store import departures, recomputes, touches
from services.segment.store.parts import SegmentParts
from services.segment.store.rebuilds import is_open
from services.segment.store.slices import next_boundary
from services.segment.store.workspaces import moment_of


async def upcoming(runtime: Runtime[SegmentParts], workspace_id: int) -> datetime | None:
    """Return the earliest instant after the last answered one at which somebody's membership may change."""
    parts = runtime.parts
    async with parts.locks[workspace_id]:
        async with runtime.worker_database.transaction(workspace_id) as tx:
            if await is_open(tx, workspace_id):
                return None
            world = await parts.world(tx, workspace_id, now=runtime.now(workspace_id))
        since = moment_of(runtime, workspace_id, world.evaluated_until)
        if not world.is_answered_by(since.calendar):
            return since.now
        if not world.upcoming_known:
            world.upcoming = await next_boundary(parts.columnar, world.edges(), workspace_id=workspace_id, now=since)
            world.upcoming_known, world.upcoming_from = True, since
        return world.upcoming


async def oldest_open(runtime: Runtime[SegmentParts], workspace_id: int) -> datetime | None:
    """Return the instant up to which everything received, and every boundary, is answered; None when all is."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        received = await touches.oldest_received(tx, workspace_id)
    boundary = await upcoming(runtime, workspace_id)
    passed = boundary if boundary is not None and boundary <= runtime.now(workspace_id) else None
    return min((instant for instant in (received, passed) if instant is not None), default=None)


async def open_work(runtime: Runtime[SegmentParts], workspace_id: int) -> int:
    """Return how many touches, versions and deleted segments wait, and 1 more when a boundary has passed unanswered."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        waiting = await touches.open_touches(tx, workspace_id) + await recomputes.open_recomputes(tx, workspace_id)
        waiting += await departures.open_departures(tx, workspace_id)
    boundary = await upcoming(runtime, workspace_id)
    return waiting + (1 if boundary is not None and boundary <= runtime.now(workspace_id) else 0)
