"""A tag's definition is another, or a day has passed: compute it again for everybody, a few hundred at a time."""

from datetime import datetime

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.profile.domain.keys import PersonKey
from services.profile.store import guard, persons, tag_touches, tags
from services.profile.usecases.tag_by_events import tag_by_history

AT_ONCE = 500
MOST_WAITING = 5_000
"""So many persons may wait to be asked about before a walk goes on."""


async def run(runtime: Runtime[None]) -> int:
    """Take the next step of a walk; ask for walks that are due."""
    due = await _begin_due(runtime)
    async with runtime.worker_database.transaction(()) as tx:
        walk = await tags.claim_walk(tx)
        if walk is None:
            return due
        await tx.see([walk.workspace_id])
        await runtime.directory.ensure_workspaces([walk.workspace_id])
        now = runtime.now(walk.workspace_id)
        row = await tags.one(tx, walk.workspace_id, walk.tag)
        if row is None or row.tag.version != walk.version:
            await tags.advance_walk(tx, walk, None)
            return 1
        if row.tag.kind == "event":
            await guard.share_workspaces(tx, [walk.workspace_id])
            last = await tag_by_history(
                tx, walk.workspace_id, row.tag, after_no=walk.after_no, limit=AT_ONCE, received_at=now
            )
            await tags.advance_walk(tx, walk, last)
            return 1
        if await tag_touches.open_touches(tx, walk.workspace_id) > MOST_WAITING:
            return due
        numbers = await persons.active_after(tx, walk.workspace_id, walk.after_no, AT_ONCE)
        people = [PersonKey(walk.workspace_id, number) for number in numbers]
        quietly = [tag_touches.QUIET] if walk.is_edit else []
        await tag_touches.touch(tx, people, received_at=now, tags=[walk.tag, *quietly])
        await tags.advance_walk(tx, walk, numbers[-1] if len(numbers) == AT_ONCE else None)
        tx.after_commit(lambda: runtime.wake("answer_tag_rules"))
        return 1


async def _begin_due(runtime: Runtime[None]) -> int:
    """Ask for a walk of each rule that was refreshed a day ago or longer."""
    everywhere = [workspace.workspace_id for workspace in runtime.directory.workspaces()]
    async with runtime.worker_database.transaction(everywhere) as tx:
        return await tags.walk_due(tx)


async def next_due(runtime: Runtime[None], workspace_id: int) -> datetime | None:
    """Return when the next rule is refreshed."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return await tags.next_refresh(tx, workspace_id)


async def open_count(runtime: Runtime[None], workspace_id: int) -> int:
    """Return how many tags are not computed for everybody yet."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return await tags.open_walks(tx, workspace_id)


job = Job(name="walk_tags", run=run, next_due=next_due, open=open_count, idle_seconds=2.0)
