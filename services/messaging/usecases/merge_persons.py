"""Two persons are one: their counts add, what is queued for both is sent once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from libs.common.db import Tx
from services.messaging.domain.twins import twins
from services.messaging.store.decisions import Advance, Move, advance_intents, move_queue, release_slots
from services.messaging.store.intents import load_intents
from services.messaging.store.merges import asked_for, living_person, move_persons, point_persons, waiting_among
from services.messaging.store.persons import lock_persons
from services.messaging.usecases.tell_progress import Progress, tell_progress

TWINS_WITHIN = timedelta(days=33)


async def merge_persons(
    tx: Tx, workspace_id: int, *, survivor: int, absorbed: Sequence[int], graph_version: int, now: datetime
) -> None:
    """Apply a merge; in whatever order merges arrive, the newest state of each person holds."""
    pointers = [(survivor, 0), *((person_no, survivor) for person_no in absorbed)]
    await point_persons(tx, workspace_id, pointers, graph_version=graph_version)
    living = await living_person(tx, workspace_id, survivor)
    gone = [p for p in (survivor, *absorbed) if p != living and await living_person(tx, workspace_id, p) == living]
    if not gone:
        return
    await lock_persons(tx, workspace_id, [living, *gone])
    losers = twins(await asked_for(tx, workspace_id, [living, *gone], now - TWINS_WITHIN))
    waiting = await waiting_among(tx, workspace_id, list(losers))
    await move_persons(tx, workspace_id, gone, living)
    await _drop(tx, workspace_id, {loser: winner for loser, winner in losers.items() if loser in waiting}, now)


async def _drop(tx: Tx, workspace_id: int, losers: dict[UUID, UUID], now: datetime) -> None:
    if not losers:
        return
    stored = await load_intents(tx, workspace_id, list(losers))
    advances = [
        Advance(
            intent_id=s.intent.intent_id,
            state="dropped",
            said="dropped",
            channel_index=s.intent.channel_index,
            attempts=s.attempts,
            reason="duplicate",
            detail={"by": "merge", "winner": str(losers[s.intent.intent_id])},
        )
        for s in stored
    ]
    await release_slots(tx, workspace_id, list(losers))
    await advance_intents(tx, workspace_id, advances, now=now)
    await move_queue(tx, workspace_id, [Move(intent_id=loser) for loser in losers])
    await tell_progress(tx, [Progress(s, "suppressed", "", "duplicate") for s in stored], now=now)
