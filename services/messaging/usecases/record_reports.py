"""What is reported about messages that left: kept once, in any order, and told to the others."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from libs.common.contracts.messaging.message_progressed import MessageState
from libs.common.db import Tx
from services.messaging.domain.provider_errors import SUPPRESSES, CanonicalError
from services.messaging.domain.states import RECEIPTS, State, later
from services.messaging.store.decisions import Advance, advance_intents
from services.messaging.store.handoffs import (
    Handoff,
    Marked,
    Report,
    confirm_slot,
    free_slot,
    load_handoffs,
    mark_handoffs,
    queue_again,
    receive_reports,
)
from services.messaging.store.intents import StoredIntent, load_intents
from services.messaging.store.queue import leave_queue, lock_queue
from services.messaging.store.suppressions import add_suppressions
from services.messaging.usecases.tell_progress import Progress, tell_progress


async def record_reports(tx: Tx, workspace_id: int, reports: Sequence[Report], *, now: datetime) -> int:
    """Apply reports about handed-over messages; return how many were new. Others' messages are ignored.

    They are taken in the order of their messages, as a merge locks these; those of one message in the order given.
    """
    reports = sorted(reports, key=lambda report: report.intent_id)
    ids = list({r.intent_id for r in reports})
    await lock_queue(tx, workspace_id, ids)
    handed = {(h.intent_id, h.channel) for h in await load_handoffs(tx, workspace_id, ids)}
    known = [r for r in reports if (r.intent_id, r.channel) in handed]
    fresh = await receive_reports(tx, workspace_id, known) if known else []
    for report in fresh:  # each may change what the next one finds, and they come by ones and twos
        [stored] = await load_intents(tx, workspace_id, [report.intent_id])
        handoffs = await load_handoffs(tx, workspace_id, [report.intent_id])
        handoff = next(h for h in handoffs if h.channel == report.channel)
        if report.state == "failed":
            await _failed(tx, stored, handoff, report, now)
        else:
            await _reached(tx, stored, handoff, report, now)
    return len(fresh)


async def _reached(tx: Tx, stored: StoredIntent, handoff: Handoff, report: Report, now: datetime) -> None:
    workspace_id, intent_id = stored.intent.workspace_id, report.intent_id
    said = cast("MessageState", report.state)
    await tell_progress(tx, [Progress(stored, said, report.channel, "", report.link, report.human)], now=now)
    if not report.human:
        return
    state = later(cast("State", handoff.state), cast("State", report.state))
    await mark_handoffs(tx, workspace_id, [Marked(intent_id=intent_id, channel=report.channel, state=state)], now=now)
    # Before the handoff's own answer came, its settling decides about queue and slot.
    if handoff.state not in ("submitted", "unknown"):
        await confirm_slot(tx, workspace_id, intent_id, report.channel)
    await leave_queue(tx, workspace_id, intent_id)
    reached = later(_own(stored), state)
    detail: dict[str, object] = {"link": report.link} if report.link else {}
    await advance_intents(tx, workspace_id, [_advance(stored, reached, report, "", detail)], now=now)


def _own(stored: StoredIntent) -> State:
    return cast("State", stored.state if stored.state in RECEIPTS else "sent")


async def _failed(tx: Tx, stored: StoredIntent, handoff: Handoff, report: Report, now: datetime) -> None:
    if handoff.state in RECEIPTS:
        return
    workspace_id, intent = stored.intent.workspace_id, stored.intent
    reason = report.error.value.lower() if report.error is not None else "failed"
    marked = Marked(intent_id=intent.intent_id, channel=report.channel, state="failed", error_code=reason.upper())
    await mark_handoffs(tx, workspace_id, [marked], now=now)
    await free_slot(tx, workspace_id, intent.intent_id, report.channel)
    if report.error in SUPPRESSES and handoff.address_lookup is not None:
        await add_suppressions(tx, workspace_id, [(handoff.address_lookup, report.channel, reason)], now=now)
    bad = report.error is CanonicalError.ADDRESS_BAD
    news = [Progress(stored, "bounced", report.channel, reason, of_run=False)] if bad else []
    following = intent.channels.index(report.channel) + 1
    if following < len(intent.channels) and intent.channel_index < following and stored.state not in RECEIPTS:
        again = _advance(stored, "queued", report, reason, {}, index=following)
        await advance_intents(tx, workspace_id, [again], now=now)
        lane = 0 if intent.message_class == "transactional" else 1
        await queue_again(tx, workspace_id, intent.intent_id, lane=lane, due_at=now)
    elif stored.channel == report.channel:
        await advance_intents(tx, workspace_id, [_advance(stored, "failed", report, reason, {})], now=now)
        news.append(Progress(stored, "failed", report.channel, reason))
    await tell_progress(tx, news, now=now)


def _advance(
    stored: StoredIntent,
    state: str,
    report: Report,
    reason: str,
    detail: dict[str, object],
    *,
    index: int | None = None,
) -> Advance:
    return Advance(
        intent_id=stored.intent.intent_id,
        state=state,
        said=report.state,
        channel=report.channel,
        channel_index=stored.intent.channel_index if index is None else index,
        reason=reason,
        detail=detail,
        attempts=stored.attempts,
    )
