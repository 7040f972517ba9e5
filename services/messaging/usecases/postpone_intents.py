"""Profile cannot be asked: nothing is sent, nothing is lost; what expires meanwhile is dropped."""

from collections.abc import Sequence

from libs.common.db import Tx
from services.messaging.store.decisions import Advance, Move, advance_intents, move_queue, release_slots
from services.messaging.store.intents import StoredIntent
from services.messaging.store.queue import Claim, hold_claims, release
from services.messaging.store.workspaces import present
from services.messaging.usecases.tell_progress import Progress, tell_progress


async def postpone_intents(
    tx: Tx, workspace_id: int, claims: Sequence[tuple[Claim, StoredIntent]], *, reason: str, pause_seconds: float
) -> int:
    """Give claims back for a real pause and say why once; return how many had expired and were dropped."""
    now = await present(tx, workspace_id)
    held = await hold_claims(tx, workspace_id, [claim for claim, _ in claims])
    ours = [stored for _, stored in claims if stored.intent.intent_id in held]
    expired = [s for s in ours if s.intent.expires_at <= now]
    waiting = [s for s in ours if s.intent.expires_at > now]
    new = [s for s in waiting if (s.state, s.reason) != ("deferred", reason)]
    advances = [_advance(s, "dropped", "expired", {"waited_for": reason}) for s in expired]
    advances += [_advance(s, "deferred", reason, {}) for s in new]
    await release_slots(tx, workspace_id, [s.intent.intent_id for s in expired])
    await advance_intents(tx, workspace_id, advances, now=now)
    await move_queue(tx, workspace_id, [Move(intent_id=s.intent.intent_id) for s in expired])
    await release(tx, workspace_id, [s.intent.intent_id for s in waiting], pause_seconds=pause_seconds)
    news = [Progress(s, "suppressed", "", "expired") for s in expired]
    news += [Progress(s, "deferred", "", reason) for s in new]
    await tell_progress(tx, news, now=now)
    return len(expired)


def _advance(stored: StoredIntent, state: str, reason: str, detail: dict[str, object]) -> Advance:
    return Advance(
        intent_id=stored.intent.intent_id,
        state=state,
        said=state,
        channel_index=stored.intent.channel_index,
        attempts=stored.attempts,
        reason=reason,
        detail=detail,
    )
