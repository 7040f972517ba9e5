"""What is still open in this service: for the driven clock, the watermark, and anybody who asks "is it drained?"."""

import asyncio
from datetime import datetime
from typing import Any

import msgspec

from libs.common.db import statement
from libs.common.runtime import Runtime

_OUTBOX = "select count(*) from outbox_queue where workspace_id = :workspace_id"
_UNSAID = """
select min(l.earliest) from outbox_queue q join outbox_log l using (log_id) where q.workspace_id = :workspace_id
"""


async def adopt_clock(runtime: Runtime[Any], workspace_id: int, now: datetime, *, held: bool = False) -> None:
    """Take a driven clock's new present into this process's picture; while `held` nothing is due by time."""
    (runtime.held.add if held else runtime.held.discard)(workspace_id)
    await runtime.directory.ensure_workspaces([workspace_id])
    workspace = runtime.directory.workspace(workspace_id)
    if workspace is not None:
        runtime.directory.put(msgspec.structs.replace(workspace, driven_now=now))


async def next_due(runtime: Runtime[Any], workspace_id: int) -> tuple[datetime | None, str | None]:
    """Return the earliest instant at which a job of this service has work, and the job's name."""
    known: list[tuple[datetime, str]] = []
    async with runtime.worker_database.reading(workspace_id):
        for loop in runtime.loops.values():
            instant = await loop.job.next_due(runtime, workspace_id) if loop.job.next_due else None
            known += [(instant, loop.job.name)] if instant is not None else []
    return min(known) if known else (None, None)


async def open_work(runtime: Runtime[Any], workspace_id: int) -> tuple[dict[str, int], int]:
    """Return the parts that are not empty, and a counter that grows with everything this process does."""
    parts: dict[str, int] = {}
    async with runtime.worker_database.reading(workspace_id) as tx:
        for loop in runtime.loops.values():
            parts[f"job {loop.job.name}"] = await loop.job.open(runtime, workspace_id) if loop.job.open else 0
        await tx.see([workspace_id])
        parts["outbox"] = await tx.fetch_value(statement(_OUTBOX), workspace_id=workspace_id)
    pending = await asyncio.gather(*(subscription.pending() for subscription in runtime.subscriptions))
    parts |= {f"subscriber {s.name}": count for s, count in zip(runtime.subscriptions, pending, strict=True)}
    return {name: count for name, count in parts.items() if count}, activity(runtime)


def activity(runtime: Runtime[Any]) -> int:
    """Return a counter that grows with everything this process does; it costs no look at the database."""
    handled = sum(subscription.handled_total for subscription in runtime.subscriptions)
    done = sum(loop.done_total for loop in runtime.loops.values())
    return handled + done + (runtime.relay.published_total if runtime.relay is not None else 0)


async def watermark(runtime: Runtime[Any], workspace_id: int) -> datetime:
    """Return the instant before which everything received is applied here.

    The present (taken before looking), or how far the slowest subscriber, job or the relay is behind it. Each part
    is asked before the one it feeds, so that nothing passes between two looks.
    """
    present = runtime.now(workspace_id)
    unknown = datetime.min.replace(tzinfo=present.tzinfo)
    reached = await asyncio.gather(*(s.watermark(workspace_id, present) for s in runtime.subscriptions))
    marks = [present, *(mark or unknown for mark in reached)]
    async with runtime.worker_database.reading(workspace_id) as tx:
        for loop in runtime.loops.values():
            oldest = await loop.job.oldest(runtime, workspace_id) if loop.job.oldest else None
            marks += [oldest] if oldest is not None else []
        await tx.see([workspace_id])
        unsaid: datetime | None = await tx.fetch_value(statement(_UNSAID), workspace_id=workspace_id)
    return min([*marks, *([unsaid] if unsaid is not None else [])])
