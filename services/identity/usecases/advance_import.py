"""Take the next rows of an import into the record, together with its checkpoint."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import msgspec

from libs.common.access.model import Source
from libs.common.db import Tx
from libs.common.errors import Conflict
from libs.common.ids import new_id
from libs.common.personal import Sealer
from services.identity.domain.calls import event_time
from services.identity.domain.deduplication import event_key
from services.identity.domain.import_rows import BadRow, Chunk, MappedRow, as_bad
from services.identity.domain.tracking_plan import TrackingPlan, sort_calls
from services.identity.store import imports, quarantine, source_counters
from services.identity.store.event_log import EventRow
from services.identity.store.imports import ImportRow
from services.identity.store.quarantine import QuarantineRow
from services.identity.store.source_counters import Counts
from services.identity.store.tracking_plans import PlanShelf
from services.identity.usecases.apply_plan import count_departures, departures
from services.identity.usecases.collect_events import collect_events


async def advance_import(
    tx: Tx, *, row: ImportRow, chunk: Chunk, source: Source, sealer: Sealer, now: datetime, plans: PlanShelf
) -> ImportRow:
    """Log the chunk's calls, quarantine its other rows and move the checkpoint, all or nothing.

    Raises Conflict when the import is not where `row` says: another process took these rows, or it was stopped.
    """
    plan = (await plans.in_force(tx, [row.workspace_id])).get(row.workspace_id)
    if plan is not None:
        chunk = await _planned(tx, row, chunk, plan, now)
    events = [_event(row, mapped, source, sealer, now) for mapped in chunk.calls]
    if events:
        await collect_events(tx, events)
    if chunk.bad:
        await quarantine.keep(tx, [_held(row, chunk_row, sealer, now) for chunk_row in chunk.bad])
    counted: Counter[str] = Counter(str(event.outcome) for event in events)
    totals: dict[str, int] = {
        **counted,
        "quarantined": len(chunk.bad),
        "personless": _accepted_personless(chunk, events),
    }
    if not await imports.advance(tx, row, to_row=chunk.last, counted=totals):
        raise Conflict("the import moved on elsewhere")
    await source_counters.add_counts(tx, [_counts(row, chunk, totals, now)])
    return _moved(row, chunk, totals)


async def _planned(tx: Tx, row: ImportRow, chunk: Chunk, plan: TrackingPlan, now: datetime) -> Chunk:
    """Return the chunk with the rows that the tracking plan holds among the others."""
    calls = [mapped.call for mapped in chunk.calls]
    done = sort_calls(calls, plan)
    await count_departures(tx, departures(row.workspace_id, row.source_id, calls, done), now)
    held = [as_bad(chunk.calls[position], refusal) for position, refusal in done.held]
    return replace(chunk, calls=[chunk.calls[one] for one in done.staying], bad=[*chunk.bad, *held])


def _event(row: ImportRow, mapped: MappedRow, source: Source, sealer: Sealer, now: datetime) -> EventRow:
    call = mapped.call
    return EventRow(
        key=event_key(row.workspace_id, row.source_id, mapped.message_id),
        workspace_id=row.workspace_id,
        event_id=new_id(),
        source_id=source.source_id,
        received_at=now,
        event_time=event_time(call, now, sent_at=None, correct=False),
        original_time=call.original_time,
        kind=call.kind,
        name=call.name,
        message_id=mapped.message_id,
        content_hash=call.content_hash,
        payload=sealer.seal(call.payload),
        imported=True,
        live=row.live,
    )


def _held(row: ImportRow, bad: BadRow, sealer: Sealer, now: datetime) -> QuarantineRow:
    return QuarantineRow(
        workspace_id=row.workspace_id,
        quarantine_id=new_id(),
        source_id=row.source_id,
        received_at=now,
        reason=bad.refusal.reason,
        pointer=bad.refusal.pointer,
        detail=bad.refusal.detail,
        payload=sealer.seal(bad.cells),
        import_id=row.import_id,
        row_no=bad.row_no,
    )


def _accepted_personless(chunk: Chunk, events: list[EventRow]) -> int:
    return sum(
        mapped.personless and event.outcome == "accepted" for mapped, event in zip(chunk.calls, events, strict=True)
    )


def _counts(row: ImportRow, chunk: Chunk, totals: Mapping[str, int], now: datetime) -> Counts:
    return Counts(
        workspace_id=row.workspace_id,
        source_id=row.source_id,
        day=now.date(),
        posted=len(chunk.calls) + len(chunk.bad),
        accepted=totals.get("accepted", 0),
        duplicate=totals.get("duplicate", 0),
        conflict=totals.get("conflict", 0),
        quarantined=len(chunk.bad),
    )


def _moved(row: ImportRow, chunk: Chunk, totals: Mapping[str, int]) -> ImportRow:
    grown = {name: getattr(row, name) + count for name, count in totals.items()}
    return msgspec.structs.replace(row, state="running", next_row=chunk.last, **grown)
