"""The engine's loop: insert what is staged, ask again whom events, traits, the graph or time touched, settle."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from libs.common.errors import Unavailable
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.segment.store import memberships, touches
from services.segment.store.parts import SegmentParts
from services.segment.store.workspaces import moment_of
from services.segment.usecases.open_work import oldest_open, open_work, upcoming
from services.segment.usecases.run_round import run_round

log = logging.getLogger(__name__)

# what fails for every workspace alike: the loop itself waits then
MISSING = (Unavailable, OSError)


async def run(runtime: Runtime[Any]) -> int:
    """Do one round in every workspace in which something waits or a boundary has passed; one's fault is its own."""
    async with runtime.worker_database.transaction(()) as tx:
        waiting = set(await touches.workspaces_with_work(tx))
        revisions = await memberships.revisions(tx)
    patience = runtime.parts.patience
    turns = patience.in_turn(waiting | _to_look_at(runtime, revisions), at=_seconds())
    done = 0
    missing: list[Exception] = []
    for workspace_id in turns:
        try:
            if workspace_id in waiting or await _is_overdue(runtime, workspace_id):
                done += await run_round(runtime, workspace_id)
        except Exception as problem:
            pause = patience.failed(workspace_id, at=_seconds())
            log.exception("round failed; it will be tried again", extra={"workspace": workspace_id, "pause": pause})
            missing += [problem] if isinstance(problem, MISSING) else []
        else:
            patience.succeeded(workspace_id)
    if missing and len(missing) == len(turns):
        for workspace_id in turns:
            patience.succeeded(workspace_id)
        raise missing[0]
    return done


def _to_look_at(runtime: Runtime[SegmentParts], revisions: Mapping[int, int]) -> set[int]:
    """Return the workspaces whose next boundary has passed, or is not known since somebody settled or edited.

    Where the calendar is another one it has passed.
    """
    found = set()
    for workspace in runtime.directory.workspaces():
        workspace_id = workspace.workspace_id
        # without a round there are no segments yet
        if workspace_id not in revisions or runtime.is_held(workspace_id):
            continue
        world = runtime.parts.worlds.get(workspace_id)
        known = world is not None and world.revision == revisions[workspace_id] and world.upcoming_known
        now = runtime.now(workspace_id)
        overdue = world is None or not known or (world.upcoming and world.upcoming <= now)
        if overdue or (world and not world.is_answered_by(moment_of(runtime, workspace_id, now).calendar)):
            found.add(workspace_id)
    return found


async def _is_overdue(runtime: Runtime[SegmentParts], workspace_id: int) -> bool:
    boundary = await upcoming(runtime, workspace_id)
    return boundary is not None and boundary <= runtime.now(workspace_id)


def _seconds() -> float:
    return asyncio.get_running_loop().time()


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
