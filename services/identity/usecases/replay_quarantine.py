"""Try held calls again, mended if need be."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.db import Tx
from libs.common.ids import new_id
from libs.common.personal import Sealer
from services.identity.domain.calls import Call, Refusal, decode_object, event_time, read_call
from services.identity.domain.deduplication import event_key
from services.identity.domain.mapping import ImportMapping, map_row
from services.identity.domain.repair import Repair, mend
from services.identity.domain.tracking_plan import TrackingPlan, violations
from services.identity.store import imports, quarantine, source_counters
from services.identity.store.event_log import EventRow
from services.identity.store.imports import ImportRow
from services.identity.store.quarantine import QuarantineRow
from services.identity.store.source_counters import Counts
from services.identity.store.tracking_plans import PlanShelf
from services.identity.usecases.collect_events import collect_events


class Replayed(msgspec.Struct, frozen=True):
    """What became of the held calls: outcomes, and those that still cannot be taken with the reason."""

    outcomes: dict[UUID, str]
    still_held: dict[UUID, Refusal]


async def replay_quarantine(
    tx: Tx,
    *,
    workspace_id: int,
    ids: Sequence[UUID],
    repair: Repair,
    sealer: Sealer,
    now: datetime,
    dry_run: bool,
    plans: PlanShelf,
) -> Replayed:
    """Take held calls that can now be taken, by the tracking plan of now too; the others stay.

    With `dry_run` it only says which. They keep the time of their first arrival as event time where they tell none; in
    the counters they move from quarantined to what they became, on the day they came, so that the day's sum stays what
    was posted.
    """
    held = await quarantine.claim_held(tx, workspace_id, ids)
    origins = {row.import_id: await imports.find(tx, workspace_id, row.import_id) for row in held if row.import_id}
    plan = (await plans.in_force(tx, [workspace_id])).get(workspace_id)
    events: dict[UUID, EventRow] = {}
    still_held: dict[UUID, Refusal] = {}
    for row in held:
        origin = origins.get(row.import_id) if row.import_id else None
        call = _planned(_read(sealer.open(row.payload), repair, origin), plan)
        if isinstance(call, Refusal):
            still_held[row.quarantine_id] = call
        else:
            events[row.quarantine_id] = _event(row, call, origin, sealer, now)
    if dry_run or not events:
        return Replayed(dict.fromkeys(events, "can_be_taken"), still_held)
    await collect_events(tx, list(events.values()))
    await quarantine.settle(tx, workspace_id, list(events), "replayed", now)
    arrived = {row.quarantine_id: row for row in held}
    await source_counters.add_counts(tx, _counts(events, arrived))
    return Replayed({key: event.outcome or "held" for key, event in events.items()}, still_held)


def _read(raw: bytes, repair: Repair, origin: ImportRow | None) -> Call | Refusal:
    body = decode_object(raw)
    if isinstance(body, Refusal):
        return body
    mended = mend(body, repair)
    if origin is None:
        return read_call(msgspec.json.encode(mended))
    mapping = repair.mapping or msgspec.convert(origin.mapping, ImportMapping)
    mapped = map_row(mended, mapping)
    return mapped if isinstance(mapped, Refusal) else read_call(mapped, personless=mapping.personless)


def _planned(call: Call | Refusal, plan: TrackingPlan | None) -> Call | Refusal:
    if plan is None or isinstance(call, Refusal):
        return call
    return next((one.refusal for one in violations(call, plan) if one.mode == "quarantine"), call)


def _event(row: QuarantineRow, call: Call, origin: ImportRow | None, sealer: Sealer, now: datetime) -> EventRow:
    made = f"{origin.file_hash[:32]}:{row.row_no}" if origin else f"made-{row.quarantine_id}"
    message_id = call.message_id or made
    return EventRow(
        key=event_key(row.workspace_id, row.source_id, message_id),
        workspace_id=row.workspace_id,
        event_id=new_id(),
        source_id=row.source_id,
        received_at=now,
        event_time=event_time(call, row.received_at, sent_at=None, correct=False),
        original_time=call.original_time,
        kind=call.kind,
        name=call.name,
        message_id=message_id,
        content_hash=call.content_hash,
        payload=sealer.seal(call.payload),
        imported=origin is not None,
        live=origin.live if origin else True,
    )


def _counts(events: Mapping[UUID, EventRow], arrived: Mapping[UUID, QuarantineRow]) -> list[Counts]:
    counts: dict[tuple[int, object], Counts] = {}
    for key, event in events.items():
        day = arrived[key].received_at.date()
        row = counts.setdefault((event.source_id, day), Counts(event.workspace_id, event.source_id, day))
        row.quarantined -= 1
        row.replayed += 1
        if event.outcome is not None:
            setattr(row, event.outcome, getattr(row, event.outcome) + 1)
    return list(counts.values())
