"""Take a group of events into the record, each exactly once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal
from uuid import UUID

from libs.common.db import Tx
from services.identity.domain.deduplication import copy_key, is_the_event
from services.identity.store import event_log
from services.identity.store.event_log import EventRow, Holder

Outcome = Literal["accepted", "duplicate", "conflict"]


async def collect_events(tx: Tx, rows: Sequence[EventRow]) -> dict[UUID, Outcome]:
    """Log and queue events; return what became of each by its event id.

    A key seen before with the same content is a duplicate; with other content the copy whose hash is smaller is the
    event and the other one is kept as a conflict. The outcome of the record does not depend on the order of arrival.
    """
    outcomes: dict[UUID, Outcome] = {}
    copies: dict[UUID, list[EventRow]] = defaultdict(list)
    for row in rows:
        _gather(copies[row.key], row, outcomes)
    first = [_smallest(group) for group in copies.values()]
    taken = await event_log.take_events(tx, first)
    outcomes.update({row.event_id: "accepted" for row in first if row.key in taken})
    spare = [row for group in copies.values() for row in group if row.event_id not in outcomes]
    if spare:
        await _settle(tx, spare, taken, outcomes)
    return outcomes


def _gather(group: list[EventRow], row: EventRow, outcomes: dict[UUID, Outcome]) -> None:
    if any(other.content_hash == row.content_hash for other in group):
        outcomes[row.event_id] = "duplicate"
    else:
        group.append(row)


def _smallest(group: Iterable[EventRow]) -> EventRow:
    return min(group, key=lambda row: row.content_hash.int)


async def _settle(tx: Tx, spare: Sequence[EventRow], taken: set[UUID], outcomes: dict[UUID, Outcome]) -> None:
    """Settle the copies whose key has an event already: from before, or from this very group."""
    contested = sorted({row.key for row in spare if row.key not in taken}, key=lambda key: key.int)
    holders = await event_log.holders(tx, contested) if contested else {}
    repeated = [row for row in spare if row.key in holders and row.content_hash == holders[row.key].content_hash]
    outcomes.update({row.event_id: "duplicate" for row in repeated})
    others = [row for row in spare if row.event_id not in outcomes]
    challengers = _challengers(others, holders)
    copies = {row.event_id: _copy(row, challengers) for row in others}
    kept = await event_log.take_events(tx, list(copies.values())) if copies else set()
    for row in others:
        outcomes[row.event_id] = "conflict" if copies[row.event_id].key in kept else "duplicate"
    for event_id, holder in challengers.items():
        if outcomes[event_id] == "conflict":
            await event_log.replace_event(
                tx, copies[event_id], holder, copy_key(holder.key, holder.content_hash)
            )  # rare: a few in ten thousand


def _challengers(others: Sequence[EventRow], holders: dict[UUID, Holder]) -> dict[UUID, Holder]:
    """Return, by event id, the copies that take the place of the event that held their key until now."""
    groups: dict[UUID, list[EventRow]] = defaultdict(list)
    for row in others:
        if row.key in holders:
            groups[row.key].append(row)
    best = {key: _smallest(group) for key, group in groups.items()}
    return {
        row.event_id: holders[key]
        for key, row in best.items()
        if is_the_event(row.content_hash, holders[key].content_hash)
    }


def _copy(row: EventRow, challengers: dict[UUID, Holder]) -> EventRow:
    holder = challengers.get(row.event_id)
    return replace(
        row,
        key=copy_key(row.key, row.content_hash),
        is_conflict=holder is None,
        replaces=holder.event_id if holder else None,
    )
