"""The stated time passed without delivery: the next channel's turn."""

from collections.abc import Sequence

from libs.common.db import Tx
from services.messaging.domain.states import RECEIPTS
from services.messaging.store.decisions import Advance, Move, advance_intents, move_queue
from services.messaging.store.intents import load_intents
from services.messaging.store.queue import Claim
from services.messaging.store.workspaces import present


async def fall_back(tx: Tx, workspace_id: int, claims: Sequence[Claim]) -> int:
    """Queue the next channel of what was not delivered; what was is left alone."""
    now = await present(tx, workspace_id)
    stored = await load_intents(tx, workspace_id, [claim.intent_id for claim in claims])
    waiting = [
        s
        for s in stored
        if s.state not in RECEIPTS and s.state != "dropped" and s.intent.channel_index + 1 < len(s.intent.channels)
    ]
    going_on = {s.intent.intent_id for s in waiting}
    moves = [Move(intent_id=i, step="send", due_at=now) for i in going_on]
    moves += [Move(intent_id=c.intent_id) for c in claims if c.intent_id not in going_on]
    advances = [
        Advance(
            intent_id=s.intent.intent_id,
            state="queued",
            said="fallback",
            channel=s.channel,
            channel_index=s.intent.channel_index + 1,
            attempts=0,
            reason="not_delivered",
        )
        for s in waiting
    ]
    await advance_intents(tx, workspace_id, advances, now=now)
    await move_queue(tx, workspace_id, moves)
    return len(claims)
