"""Record what the providers answered: slots confirmed or given back, the next try, the next channel, the news."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from libs.common.db import Tx
from services.messaging.domain.channel import Accepted, Capabilities, NotBegun, Outcome, Refused
from services.messaging.domain.provider_errors import SUPPRESSES, TRANSIENT, CanonicalError
from services.messaging.domain.retry import NEEDS_HANDS, next_try
from services.messaging.store.decisions import Advance, Move, Settled, advance_intents, move_queue, settle_handoffs
from services.messaging.store.intents import StoredIntent
from services.messaging.store.queue import lock_queue
from services.messaging.store.steps import Step, add_steps
from services.messaging.store.suppressions import add_suppressions
from services.messaging.store.workspaces import present
from services.messaging.usecases.tell_progress import Progress, tell_progress

UNKNOWN_PAUSE_SECONDS = 3.0
"""The relay may still be working on a body whose connection broke: "never seen" counts only after this."""


@dataclass(frozen=True)
class Ended:
    """A handoff and its outcome."""

    stored: StoredIntent
    channel: str
    attempt: int
    outcome: Outcome
    address_lookup: bytes | None = None


@dataclass(frozen=True)
class _Consequence:
    settled: str
    advance: Advance
    move: Move
    news: tuple[Progress, ...] = ()
    suppress: str = ""
    delivered: bool = False


async def settle_outcomes(
    tx: Tx, workspace_id: int, ended: Sequence[Ended], *, capabilities: Mapping[str, Capabilities]
) -> int:
    """Write the outcomes of handoffs that still wait for one; return how many those were."""
    await lock_queue(tx, workspace_id, [e.stored.intent.intent_id for e in ended])
    now = await present(tx, workspace_id)
    consequences = [(e, _consequence(e, capabilities[e.channel], now)) for e in ended]
    waiting = await settle_handoffs(tx, workspace_id, [_settled(e, c) for e, c in consequences], now=now)
    ours = [(e, c) for e, c in consequences if e.stored.intent.intent_id in waiting]
    await advance_intents(tx, workspace_id, [c.advance for _, c in ours], now=now)
    await move_queue(tx, workspace_id, [c.move for _, c in ours])
    await add_steps(
        tx,
        workspace_id,
        [Step(e.stored.intent.intent_id, "delivered", e.channel) for e, c in ours if c.delivered],
        now=now,
    )
    await add_suppressions(
        tx,
        workspace_id,
        [(e.address_lookup, e.channel, c.suppress) for e, c in ours if c.suppress and e.address_lookup],
        now=now,
    )
    await tell_progress(tx, [item for _, c in ours for item in c.news], now=now)
    return len(ours)


def _settled(e: Ended, c: _Consequence) -> Settled:
    error = e.outcome if isinstance(e.outcome, Refused) else None
    return Settled(
        intent_id=e.stored.intent.intent_id,
        channel=e.channel,
        attempt=e.attempt,
        state=c.settled,
        error_code=error.error.value if error else "",
        error_raw=error.raw if error else "",
    )


def _consequence(e: Ended, capability: Capabilities, now: datetime) -> _Consequence:
    outcome = e.outcome
    if isinstance(outcome, Accepted) or (isinstance(outcome, Refused) and outcome.error is CanonicalError.DUPLICATE):
        return _accepted(e, capability, now)
    if isinstance(outcome, NotBegun):
        back = _advance(e, "queued", "")
        return _Consequence("not_begun", back, Move(intent_id=e.stored.intent.intent_id, step="send"))
    if outcome.error is CanonicalError.TIMEOUT_UNKNOWN:
        return _unknown(e, outcome)
    if outcome.error in TRANSIENT or outcome.error in NEEDS_HANDS:
        return _again(e, outcome, now)
    return _refused(e, outcome, now)


def _accepted(e: Ended, capability: Capabilities, now: datetime) -> _Consequence:
    state = "delivered" if capability.delivers_at_once else "sent"
    news = [Progress(e.stored, "sent", e.channel)]
    if capability.delivers_at_once:
        news.append(Progress(e.stored, "delivered", e.channel))
    move = Move(intent_id=e.stored.intent.intent_id)
    after = e.stored.fallback_after_seconds
    if after is not None and state == "sent" and _following(e) is not None:
        move = Move(intent_id=e.stored.intent.intent_id, step="fallback", due_at=now + timedelta(seconds=after))
    return _Consequence(state, _advance(e, state, "sent"), move, tuple(news), delivered=capability.delivers_at_once)


def _unknown(e: Ended, outcome: Refused) -> _Consequence:
    return _Consequence(
        "unknown",
        _advance(e, "unknown", "unknown", "unknown", {"raw": outcome.raw}),
        Move(intent_id=e.stored.intent.intent_id, step="handoff", pause_seconds=UNKNOWN_PAUSE_SECONDS),
        (Progress(e.stored, "unknown", e.channel, "unknown"),),
    )


def _again(e: Ended, outcome: Refused, now: datetime) -> _Consequence:
    when = next_try(now, e.stored.attempts, e.stored.intent.expires_at, outcome.retry_after_seconds)
    detail: dict[str, object] = {"raw": outcome.raw, "until": when.isoformat()}
    again = _advance(e, "retrying", "retrying", outcome.error.value.lower(), detail)
    again = msgspec.structs.replace(again, attempts=e.stored.attempts + 1)
    return _Consequence("retrying", again, Move(intent_id=e.stored.intent.intent_id, step="send", due_at=when))


def _refused(e: Ended, outcome: Refused, now: datetime) -> _Consequence:
    intent_id, reason = e.stored.intent.intent_id, outcome.error.value.lower()
    suppress = reason if outcome.error in SUPPRESSES else ""
    news: tuple[Progress, ...] = ()
    if outcome.error is CanonicalError.ADDRESS_BAD:
        news = (Progress(e.stored, "bounced", e.channel, reason, of_run=False),)
    following = _following(e)
    if following is not None:
        on = _advance(e, "queued", "failed", reason, {"raw": outcome.raw}, index=following)
        return _Consequence("failed", on, Move(intent_id=intent_id, step="send", due_at=now), news, suppress)
    news = (*news, Progress(e.stored, "failed", e.channel, reason))
    end = _advance(e, "failed", "failed", reason, {"raw": outcome.raw})
    return _Consequence("failed", end, Move(intent_id=intent_id), news, suppress)


def _following(e: Ended) -> int | None:
    index = e.stored.intent.channels.index(e.channel) + 1
    return index if index < len(e.stored.intent.channels) else None


def _advance(
    e: Ended,
    state: str,
    said: str,
    reason: str = "",
    detail: dict[str, object] | None = None,
    *,
    index: int | None = None,
) -> Advance:
    intent = e.stored.intent
    return Advance(
        intent_id=intent.intent_id,
        state=state,
        said=said,
        channel=e.channel,
        channel_index=intent.channels.index(e.channel) if index is None else index,
        reason=reason,
        detail=detail or {},
        attempts=e.stored.attempts,
    )
