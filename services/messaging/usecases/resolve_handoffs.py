"""What became of a handoff nobody answered for: by receipt, by asking the provider, then by the class's policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.common.db import Tx
from services.messaging.domain.channel import Accepted, Capabilities, Found, NotBegun, Refused
from services.messaging.domain.provider_errors import CanonicalError
from services.messaging.store.decisions import Advance, Move, advance_intents, move_queue
from services.messaging.store.handoffs import Handoff, load_handoffs, lose_handoffs
from services.messaging.store.intents import StoredIntent, load_intents
from services.messaging.store.queue import Claim, lock_queue
from services.messaging.store.workspaces import present
from services.messaging.usecases.settle_handoffs import Ended, settle_outcomes
from services.messaging.usecases.tell_progress import Progress, tell_progress

ASK_AGAIN_SECONDS = 5.0
_OPEN = frozenset({"submitted", "unknown"})


@dataclass(frozen=True)
class Pending:
    """A handoff whose end is not known."""

    stored: StoredIntent
    handoff: Handoff


async def take_stock(tx: Tx, workspace_id: int, claims: Sequence[Claim]) -> list[Pending]:
    """Mark as unknown what was handed over and never answered; return all that is unknown."""
    now = await present(tx, workspace_id)
    ids = [claim.intent_id for claim in claims]
    intents = {s.intent.intent_id: s for s in await load_intents(tx, workspace_id, ids)}
    handoffs = {h.intent_id: h for h in await load_handoffs(tx, workspace_id, ids)}
    pending = [
        Pending(intents[intent_id], h) for intent_id, h in handoffs.items() if intent_id in intents and h.state in _OPEN
    ]
    answered = [i for i in ids if i not in {p.handoff.intent_id for p in pending}]
    # A receipt came before the answer: there is nothing left to find out.
    await move_queue(tx, workspace_id, [Move(intent_id=i) for i in answered])
    silent = [p for p in pending if p.handoff.state == "submitted"]
    taken = await lose_handoffs(tx, workspace_id, [p.handoff for p in silent], now=now)
    # What was answered in this very moment belongs to whoever wrote the answer.
    lost = [p for p in silent if p.handoff.intent_id in taken]
    await advance_intents(tx, workspace_id, [_advance(p, "unknown", "unknown", "unknown") for p in lost], now=now)
    await tell_progress(tx, [Progress(p.stored, "unknown", p.handoff.channel, "unknown") for p in lost], now=now)
    return [p for p in pending if p.handoff.state == "unknown" or p in lost]


async def resolve_handoffs(
    tx: Tx,
    workspace_id: int,
    pending: Sequence[Pending],
    found: Mapping[str, Found | None],
    *,
    capabilities: Mapping[str, Capabilities],
) -> int:
    """Settle by what the providers said (None: they could not be asked now); return how many are settled."""
    pending = await _still_unknown(tx, workspace_id, pending)
    now = await present(tx, workspace_id)
    ended: list[Ended] = []
    asked_again: list[Move] = []
    left_unknown: list[Pending] = []
    for p in pending:
        said = found.get(p.handoff.message_id)
        outcome = _outcome(p, said, capabilities.get(p.handoff.channel, Capabilities()))
        if outcome is not None:
            ended.append(Ended(p.stored, p.handoff.channel, p.handoff.attempt, outcome, p.handoff.address_lookup))
        elif said is None and now < p.stored.intent.expires_at:
            asked_again.append(Move(intent_id=p.handoff.intent_id, step="handoff", pause_seconds=ASK_AGAIN_SECONDS))
        else:
            left_unknown.append(p)
    await move_queue(tx, workspace_id, [*asked_again, *(_by_policy(p, now) for p in left_unknown)])
    again = [p for p in left_unknown if _is_sent_again(p)]
    await advance_intents(tx, workspace_id, [_advance(p, "retrying", "retrying", "unknown") for p in again], now=now)
    return len(left_unknown) + await settle_outcomes(tx, workspace_id, ended, capabilities=capabilities)


async def _still_unknown(tx: Tx, workspace_id: int, pending: Sequence[Pending]) -> list[Pending]:
    """Return those that nobody answered for while the providers were asked; their places in the queue are locked."""
    ids = [p.handoff.intent_id for p in pending]
    await lock_queue(tx, workspace_id, ids)
    present_ones = {(h.intent_id, h.channel): h for h in await load_handoffs(tx, workspace_id, ids)}
    still = []
    for p in pending:
        handoff = present_ones.get((p.handoff.intent_id, p.handoff.channel))
        if handoff is not None and (handoff.state, handoff.attempt) == ("unknown", p.handoff.attempt):
            still.append(p)
    return still


def _outcome(p: Pending, said: Found | None, capability: Capabilities) -> Accepted | Refused | NotBegun | None:
    if said in ("delivered", "accepted"):
        return Accepted(p.handoff.message_id)
    if said == "failed":
        return Refused(CanonicalError.CONTENT, "reported as failed")
    # The provider never saw it, or does not mind seeing it twice: it may be sent again, asked anew in everything.
    if said == "absent" or capability.idempotent:
        return NotBegun("the provider never had it")
    return None


def _is_sent_again(p: Pending) -> bool:
    return p.stored.intent.message_class == "transactional"


def _by_policy(p: Pending, now: datetime) -> Move:
    """Send a transactional message again under the same Message-ID; a marketing one stays unknown for ever."""
    if _is_sent_again(p):
        return Move(intent_id=p.handoff.intent_id, step="send", due_at=now)
    return Move(intent_id=p.handoff.intent_id)


def _advance(p: Pending, state: str, said: str, reason: str) -> Advance:
    return Advance(
        intent_id=p.handoff.intent_id,
        state=state,
        said=said,
        channel=p.handoff.channel,
        channel_index=p.stored.intent.channel_index,
        reason=reason,
        attempts=p.stored.attempts,
    )
