"""The resolver: what the collector took becomes somebody's."""

import logging
import time
from datetime import datetime
from typing import Any

from libs.common.bus.inbox import DeadLetter
from libs.common.bus.reason import reason_of
from libs.common.bus.transient import is_transient
from libs.common.db import Tx
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.identity.domain.pace import next_size
from services.identity.store import dead_letters, ingest_queue
from services.identity.store.ingest_queue import IngestEntry
from services.identity.store.retries import lost_a_race
from services.identity.usecases.choose_events import choose_events
from services.identity.usecases.resolve_events import resolve_events

log = logging.getLogger(__name__)

CAREFUL = (50, 1)
"""How many events are tried at once after a failure, until the one that cannot be resolved stands alone."""


async def run(runtime: Runtime[Any]) -> int:
    """Resolve one batch of the queue; return how many events it held. What passes by itself is tried again later."""
    for limit in (runtime.parts.batch_size, *CAREFUL):
        try:
            return await (_resolve(runtime, limit) if limit > 1 else _resolve_alone(runtime))
        except Exception as error:
            if lost_a_race(error):
                return 1
            if limit == 1 or is_transient(error):
                raise
            log.exception("a batch of events cannot be resolved; fewer are tried", extra={"limit": limit})
    return 0


async def _resolve(runtime: Runtime[Any], limit: int) -> int:
    begun, parts = time.perf_counter(), runtime.parts
    async with runtime.worker_database.transaction(parts.seen_last, by_index=True) as tx:
        entries = await ingest_queue.claim_entries(tx, limit)
        if entries:
            await _resolve_entries(runtime, tx, entries)
            parts.seen_last = tx.workspaces
    if limit == parts.batch_size:
        seconds = time.perf_counter() - begun
        parts.batch_size = next_size(limit, len(entries), seconds, budget_seconds=parts.resolve_seconds)
    return len(entries)


async def _resolve_entries(runtime: Runtime[Any], tx: Tx, entries: list[IngestEntry]) -> None:
    workspace_ids = {entry.workspace_id for entry in entries}
    await runtime.directory.ensure_workspaces(workspace_ids)
    await tx.see(workspace_ids)
    await resolve_events(tx, entries, runtime.parts.graph, source_of=runtime.directory.source)


async def _resolve_alone(runtime: Runtime[Any]) -> int:
    """Resolve the first event of the queue; when it is at fault itself, set aside this very one in its transaction."""
    async with runtime.worker_database.transaction([], by_index=True) as tx:
        entries = await ingest_queue.claim_entries(tx, 1)
        for entry in entries:
            try:
                async with tx.savepoint():
                    await _resolve_entries(runtime, tx, entries)
            except Exception as error:
                if is_transient(error) or tx.driver.is_closed():
                    raise
                await _set_aside(tx, entry, error)
    return len(entries)


async def _set_aside(tx: Tx, entry: IngestEntry, error: Exception) -> None:
    """Put an event among the dead letters, so that it blocks nobody; a copy that takes its place is told."""
    await tx.see([entry.workspace_id])
    await choose_events(tx, [entry], {entry.event_id: True})
    if entry.predecessor_waits:
        return
    log.error("an event cannot be resolved and was set aside", exc_info=error)
    await dead_letters.add(tx, entry, reason=reason_of(error))


async def replay(tx: Tx, letter: DeadLetter, runtime: Runtime[Any]) -> None:
    """Queue an event that was set aside again."""
    await ingest_queue.queue_again(tx, dead_letters.entry_of(letter))
    tx.after_commit(lambda: runtime.wake("resolve_events"))


async def open_events(runtime: Runtime[Any], workspace_id: int) -> int:
    """Return how many events of a workspace wait to be resolved."""
    async with runtime.worker_database.transaction([]) as tx:
        return await ingest_queue.waiting(tx, workspace_id)


async def oldest_event(runtime: Runtime[Any], workspace_id: int) -> datetime | None:
    """Return the arrival of the oldest event that waits: what was received and is nobody's yet holds the watermark."""
    async with runtime.worker_database.transaction([]) as tx:
        return await ingest_queue.oldest_received(tx, workspace_id)


job = Job(
    name="resolve_events",
    run=run,
    open=open_events,
    oldest=oldest_event,
    replay=replay,
    idle_seconds=0.1,
    workers=2,
)
