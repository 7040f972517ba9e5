"""Take a group of events into the record, each exactly once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from libs.common.db import Tx
from services.identity.domain.deduplication import copy_key, is_the_event
from services.identity.store import event_log
from services.identity.store.event_log import EventRow, Holder


async def collect_events(tx: Tx, rows: Sequence[EventRow]) -> None:
    """Log and queue events; each row's `outcome` says what became of it.

    A key seen before with the same content is a duplicate; with other content the copy whose hash is smaller is the
    event and the other one is kept as a conflict. The outcome of the record does not depend on the order of arrival.
    """
    first: dict[bytes, EventRow] = {}
    rivals: dict[bytes, list[EventRow]] = {}
    for row in rows:
        if first.setdefault(row.key, row) is not row:
            rivals.setdefault(row.key, [first[row.key]]).append(row)
    for key, group in rivals.items():
        first[key] = _distinct(group)
    taken = await event_log.take_events(tx, list(first.values()))
    for key, row in first.items():
        if key in taken:
            row.outcome = "accepted"
    if rivals or len(taken) < len(first):
        await _settle(tx, [row for row in rows if row.outcome is None], taken)


def _distinct(group: Sequence[EventRow]) -> EventRow:
    """Mark repeats within a group; return the copy that is the event."""
    seen: set[bytes] = set()
    for row in group:
        if row.content_hash in seen:
            row.outcome = "duplicate"
        seen.add(row.content_hash)
    return _smallest(row for row in group if row.outcome is None)


def _smallest(group: Iterable[EventRow]) -> EventRow:
    return min(group, key=lambda row: row.content_hash)


async def _settle(tx: Tx, spare: Sequence[EventRow], taken: set[bytes]) -> None:
    """Settle the copies whose key has an event already: from before, or from this very group."""
    contested = sorted({row.key for row in spare if row.key not in taken})
    holders = await event_log.holders(tx, contested) if contested else {}
    for row in spare:
        if row.key in holders and row.content_hash == holders[row.key].content_hash:
            row.outcome = "duplicate"
    others = [row for row in spare if row.outcome is None]
    challengers = _challengers(others, holders)
    copies = [_copy(row, challengers) for row in others]
    kept = await event_log.take_events(tx, copies) if copies else set()
    for row, copy in zip(others, copies, strict=True):
        row.outcome = "conflict" if copy.key in kept else "duplicate"
        holder = challengers.get(row.event_id)
        if holder is not None and row.outcome == "conflict":
            # A statement each: such copies come a few in ten thousand.
            await event_log.replace_event(tx, copy, holder, copy_key(holder.key, holder.content_hash))


def _challengers(others: Sequence[EventRow], holders: dict[bytes, Holder]) -> dict[UUID, Holder]:
    """Return, by event id, the copies that take the place of the event that held their key until now."""
    groups: dict[bytes, list[EventRow]] = defaultdict(list)
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
