"""The log against the stream: what was lost is queued again, what everybody applied is dropped."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from libs.common.bus.port import Bus, ConsumerState, StreamState
from libs.common.db import Database, Tx
from libs.common.outbox import store

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""A bus that hangs must not hold a connection and the relay's lock for long."""
UNHEARD_SECONDS = 24 * 3600.0
PURGE_FILL = 0.25
"""Share of the stream's bounds from which acknowledged messages are purged: the log holds what matters."""


async def keep_house(database: Database, bus: Bus, service: str) -> datetime | None:
    """Do one round; return when the oldest row still in the log was said (None: another relay is active)."""
    async with database.transaction(()) as tx:
        if not await store.lead(tx, service):
            return None
        # read under the lock: a second relay with an older picture would take a growing stream for a shrinking one
        async with asyncio.timeout(LOOK_SECONDS):
            stream = await bus.stream_state(service)
            consumers = await bus.consumers(service)
        await store.see_all_workspaces(tx)
        if not await _recover(tx, service, stream):
            await _requeue_expired(tx, stream)
            await store.save_consumers(tx, consumers)
            await _prune(tx, consumers)
        mark = await store.oldest(tx)
    await _purge(bus, service, stream, consumers)
    return mark


async def rebuild_broker(database: Database) -> int:
    """Queue every published row of the log once more, under the same event ids; return how many."""
    async with database.transaction(()) as tx:
        await store.see_all_workspaces(tx)
        return await store.enqueue_again(tx, subjects=None, above=0, below=None)


async def forget_consumer(database: Database, consumer: str) -> int:
    """Let go of a durable consumer that is gone for good, so that it holds the log no longer."""
    async with database.transaction(()) as tx:
        return await store.forget_consumer(tx, consumer)


async def _recover(tx: Tx, service: str, stream: StreamState) -> bool:
    """Queue again what a wiped or shortened stream has lost; tell whether it had."""
    known = await store.known_stream(tx, service)
    await store.save_stream(tx, service, stream.created_at, stream.last_sequence)
    if known is None:
        return False
    created_at, last_sequence = known
    wiped = created_at != stream.created_at
    if not wiped and stream.last_sequence >= last_sequence:
        return False
    above = 0 if wiped else stream.last_sequence
    queued = await store.enqueue_again(tx, subjects=None, above=above, below=None)
    await store.reset_floors(tx)
    log.error(
        "the stream was wiped or shortened; the log is published again",
        extra={"stream": service, "wiped": wiped, "rows": queued},
    )
    return True


async def _requeue_expired(tx: Tx, stream: StreamState) -> None:
    """Messages that fell out of the stream by age before a consumer acknowledged them are published again."""
    for subject, floor in _floors(await store.known_consumers(tx)).items():
        if floor < stream.first_sequence - 1:
            await store.enqueue_again(tx, subjects=[subject], above=floor, below=stream.first_sequence)


async def _prune(tx: Tx, consumers: Sequence[ConsumerState]) -> None:
    """Drop what is applied. A consumer known before and missing now holds its subject back."""
    present = {consumer.name for consumer in consumers}
    known = await store.known_consumers(tx)
    missing = {subject for subject, name in known if name not in present}
    floors = {subject: floor for subject, floor in _floors(known).items() if subject not in missing}
    await store.prune_log(tx, floors)
    await store.prune_unheard(tx, UNHEARD_SECONDS)


async def _purge(bus: Bus, service: str, stream: StreamState, consumers: Sequence[ConsumerState]) -> None:
    """Make room in a stream that keeps by age: what all consumers acknowledged is of no more use in it."""
    if stream.bytes < PURGE_FILL * stream.max_bytes or not consumers:
        return
    await bus.purge(service, min(consumer.ack_floor for consumer in consumers) + 1)


def _floors(known: Mapping[tuple[str, str], int]) -> dict[str, int]:
    floors: dict[str, int] = {}
    for (subject, _consumer), floor in known.items():
        floors[subject] = min(floor, floors.get(subject, floor))
    return floors
