"""The engine's loop: insert what is staged, ask again whom events, traits, the graph or time touched, settle."""

from datetime import datetime
from typing import Any

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.segment.store import touches
from services.segment.store.parts import SegmentParts
from services.segment.usecases.open_work import oldest_open, open_work, upcoming
from services.segment.usecases.run_round import run_round


async def run(runtime: Runtime[Any]) -> int:
    """Do one round in every workspace in which something waits or a boundary has passed."""
    async with runtime.worker_database.transaction(()) as tx:
        waiting = set(await touches.workspaces_with_work(tx))
    done = 0
    for workspace_id in sorted(waiting | await _overdue(runtime, waiting)):
        done += await run_round(runtime, workspace_id)
    return done


async def _overdue(runtime: Runtime[SegmentParts], waiting: set[int]) -> set[int]:
    overdue = set()
    for workspace in runtime.directory.workspaces():
        workspace_id = workspace.workspace_id
        if workspace_id in waiting or runtime.is_held(workspace_id):
            continue
        boundary = await upcoming(runtime, workspace_id)
        if boundary is not None and boundary <= runtime.now(workspace_id):
            overdue.add(workspace_id)
    return overdue


async def next_due(runtime: Runtime[Any], workspace_id: int) -> datetime | None:
    """Return the next instant at which the clock alone changes a membership."""
    return await upcoming(runtime, workspace_id)


async def open_count(runtime: Runtime[Any], workspace_id: int) -> int:
    """Return what is due and not answered."""
    return await open_work(runtime, workspace_id)


async def oldest(runtime: Runtime[Any], workspace_id: int) -> datetime | None:
    """Return the arrival of the oldest fact, or the boundary passed, that memberships do not show yet."""
    return await oldest_open(runtime, workspace_id)


job = Job(name="answer_rounds", run=run, next_due=next_due, open=open_count, oldest=oldest, idle_seconds=0.25)
