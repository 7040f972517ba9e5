"""Overrides are squashed when they are many, or by night."""

from datetime import UTC, datetime
from typing import Any

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.segment.domain.moment import known_zone
from services.segment.domain.nightly import last_night
from services.segment.store import squashes
from services.segment.usecases.squash_overrides import begin_squash, squash_overrides

MANY_SUBJECTS = 20_000
LOOK_SECONDS = 30.0


async def run(runtime: Runtime[Any]) -> int:
    """Begin what is due, and take every open squash one step on."""
    for workspace_id in await _due(runtime):
        await begin_squash(runtime, workspace_id)
    async with runtime.worker_database.transaction(()) as tx:
        waiting = await squashes.open_squashes(tx)
    return sum([await squash_overrides(runtime, squash.workspace_id) for squash in waiting])


async def _due(runtime: Runtime[Any]) -> list[int]:
    """Return the workspaces with many overrides, and of those whose clock is real the ones with any since the night."""
    workspaces = {workspace.workspace_id: workspace for workspace in runtime.directory.workspaces()}
    async with runtime.worker_database.transaction(list(workspaces)) as tx:
        subjects = await squashes.overridden_subjects(tx, list(workspaces))
        last = await squashes.last_begun(tx, list(workspaces))
    due = []
    for workspace_id, count in subjects.items():
        night = last_night(runtime.clock.now(), known_zone(workspaces[workspace_id].timezone))
        begun = last.get(workspace_id, datetime.min.replace(tzinfo=UTC))
        by_night = begun < night and not runtime.is_driven(workspace_id)
        if count >= MANY_SUBJECTS or by_night:
            due.append(workspace_id)
    return due


async def open_count(runtime: Runtime[Any], workspace_id: int) -> int:
    """Nobody waits for a squash: no answer changes by it."""
    del runtime, workspace_id
    return 0


job = Job(name="squash_overrides", run=run, open=open_count, idle_seconds=LOOK_SECONDS)
