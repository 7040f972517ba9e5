"""Take what several requests brought into the record, in one transaction."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from libs.common.db import Tx
from libs.common.ids import new_id
from libs.common.personal import Sealer
from services.identity.domain.calls import Call, Refusal, event_time
from services.identity.domain.deduplication import event_key
from services.identity.domain.posting import Posting, Receipt
from services.identity.store import quarantine, source_counters, turned_away
from services.identity.store.event_log import EventRow
from services.identity.store.quarantine import QuarantineRow
from services.identity.store.source_counters import Counts
from services.identity.store.tracking_plans import PlanShelf
from services.identity.store.turned_away import KEPT_PER_SOURCE, TurnedAway
from services.identity.usecases.apply_plan import apply_plan
from services.identity.usecases.collect_events import collect_events

NOTES_PER_GROUP = 100
"""A flood of repeats must not cost more than the first copies did."""


async def take_postings(
    tx: Tx,
    postings: Sequence[Posting],
    *,
    now: Mapping[int, datetime],
    driven: frozenset[int],
    sealer: Callable[[int], Sealer],
    plans: PlanShelf,
) -> list[Receipt]:
    """Log, quarantine and count; return one receipt per posting.

    `now` is the present of each workspace; in a `driven` one the senders' clocks are not corrected. What a workspace's
    tracking plan will not have is quarantined, what it warns of is taken with a note.
    """
    in_force = await plans.in_force(tx, now.keys())
    postings, warnings = await apply_plan(tx, postings, in_force, now=now)
    rows = [_rows(posting, now[posting.source.workspace_id], driven, sealer) for posting in postings]
    flat = [row for group in rows for row in group]
    if flat:
        await collect_events(tx, flat)
    kept = [
        _quarantined(posting.source.workspace_id, posting.source.source_id, now, refusal, raw, sealer)
        for posting in postings
        for refusal, raw in posting.kept
    ]
    if kept:
        await quarantine.keep(tx, kept)
    warned = [
        (row, group[position].refusal)
        for group, taken in zip(warnings, rows, strict=True)
        for position, row in enumerate(taken)
        if position in group
    ]
    await _note(tx, postings, flat, warned, now)
    receipts = [_receipt(posting, group) for posting, group in zip(postings, rows, strict=True)]
    await source_counters.add_counts(tx, _counts(postings, receipts, now))
    return receipts


def _rows(posting: Posting, now: datetime, driven: frozenset[int], sealer: Callable[[int], Sealer]) -> list[EventRow]:
    source = posting.source
    correct = source.workspace_id not in driven
    seal = sealer(source.workspace_id).seal
    return [_row(posting, call, now, correct, seal(call.payload)) for call in posting.calls]


def _row(posting: Posting, call: Call, now: datetime, correct: bool, sealed: bytes) -> EventRow:
    source = posting.source
    event_id = new_id()
    message_id = call.message_id or f"made-{event_id}"
    return EventRow(
        key=event_key(source.workspace_id, source.source_id, message_id),
        workspace_id=source.workspace_id,
        event_id=event_id,
        source_id=source.source_id,
        received_at=now,
        event_time=event_time(call, now, sent_at=posting.sent_at, correct=correct),
        original_time=call.original_time,
        kind=call.kind,
        name=call.name,
        message_id=message_id,
        content_hash=call.content_hash,
        payload=sealed,
    )


def _quarantined(
    workspace_id: int,
    source_id: int,
    now: Mapping[int, datetime],
    refusal: Refusal,
    raw: bytes,
    sealer: Callable[[int], Sealer],
) -> QuarantineRow:
    return QuarantineRow(
        workspace_id=workspace_id,
        quarantine_id=new_id(),
        source_id=source_id,
        received_at=now[workspace_id],
        reason=refusal.reason,
        pointer=refusal.pointer,
        detail=refusal.detail,
        payload=sealer(workspace_id).seal(raw),
    )


def _receipt(posting: Posting, rows: Sequence[EventRow]) -> Receipt:
    outcomes = Counter(row.outcome for row in rows)
    return Receipt(
        accepted=outcomes["accepted"],
        duplicate=outcomes["duplicate"],
        conflict=outcomes["conflict"],
        quarantined=len(posting.kept),
        refused=len(posting.refused),
    )


async def _note(
    tx: Tx,
    postings: Sequence[Posting],
    rows: Sequence[EventRow],
    warned: Sequence[tuple[EventRow, Refusal]],
    now: Mapping[int, datetime],
) -> None:
    same = Refusal("same_message_id", "/messageId", "")
    notes = [_noted(row, "duplicate", same) for row in rows if row.outcome == "duplicate"][:NOTES_PER_GROUP]
    notes += [_noted(row, "warned", why) for row, why in warned if row.outcome == "accepted"][:NOTES_PER_GROUP]
    notes += [
        _refused(posting, refusal, now[posting.source.workspace_id])
        for posting in postings
        for refusal in posting.refused
    ][:NOTES_PER_GROUP]
    if notes:
        await turned_away.note(tx, notes)
    crowded = {row.source_id for row in notes if row.note_id.int % KEPT_PER_SOURCE < NOTES_PER_GROUP}
    if crowded:
        await turned_away.prune(tx, sorted(crowded))


def _noted(row: EventRow, outcome: str, why: Refusal) -> TurnedAway:
    return TurnedAway(
        workspace_id=row.workspace_id,
        source_id=row.source_id,
        note_id=row.event_id,
        received_at=row.received_at,
        outcome=outcome,
        kind=row.kind,
        name=row.name,
        message_id=row.message_id,
        reason=why.reason,
        pointer=why.pointer,
    )


def _refused(posting: Posting, refusal: Refusal, now: datetime) -> TurnedAway:
    return TurnedAway(
        workspace_id=posting.source.workspace_id,
        source_id=posting.source.source_id,
        note_id=new_id(),
        received_at=now,
        outcome="refused",
        kind=None,
        name=None,
        message_id=None,
        reason=refusal.reason,
        pointer=refusal.pointer,
    )


def _counts(postings: Sequence[Posting], receipts: Sequence[Receipt], now: Mapping[int, datetime]) -> list[Counts]:
    counts: dict[int, Counts] = {}
    posted: defaultdict[int, int] = defaultdict(int)
    for posting, receipt in zip(postings, receipts, strict=True):
        source = posting.source
        row = counts.setdefault(
            source.source_id, Counts(source.workspace_id, source.source_id, now[source.workspace_id].date())
        )
        posted[source.source_id] += posting.posted
        row.accepted += receipt.accepted
        row.duplicate += receipt.duplicate
        row.conflict += receipt.conflict
        row.quarantined += receipt.quarantined
        row.refused += receipt.refused
    for source_id, total in posted.items():
        counts[source_id].posted = total
    return list(counts.values())
