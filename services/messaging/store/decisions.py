"""Writing down what was decided: states, the trail, the queue's next step, slots and handoffs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.common.db import Tx, load_sql, statement

_ADVANCE = load_sql(__file__, "advance_intents.sql")
_MOVE = load_sql(__file__, "move_queue.sql")
_HAND_OVER = load_sql(__file__, "hand_over.sql")
_SETTLE = load_sql(__file__, "settle_handoffs.sql")
_RELEASE_SLOTS = statement("""
    delete from reservation
    where workspace_id = :workspace_id and intent_id = any(:intent_ids::uuid[]) and state = 'reserved'
""")


class Advance(msgspec.Struct, frozen=True, kw_only=True):
    """An intent's new state; `said` is what the trail says (empty: nothing)."""

    intent_id: UUID
    state: str
    said: str
    channel_index: int
    attempts: int
    channel: str = ""
    reason: str = ""
    detail: dict[str, Any] = {}


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """An intent's next step; None takes it out of the queue. The pause is real time."""

    intent_id: UUID
    step: str | None = None
    due_at: datetime | None = None
    pause_seconds: float = 0.0


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """A handoff about to happen; address and content sealed, the look-up as hex."""

    intent_id: UUID
    channel: str
    message_id: str
    address_lookup: str | None
    address_sealed: str | None
    content_sealed: str | None
    language: str = ""
    template_version: int | None = None


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """How a handoff ended: sent, delivered, failed, retrying, unknown or not_begun."""

    intent_id: UUID
    channel: str
    attempt: int
    state: str
    error_code: str = ""
    error_raw: str = ""


def _rows(values: Sequence[msgspec.Struct]) -> list[dict[str, Any]]:
    return [{**msgspec.to_builtins(value), "place": place} for place, value in enumerate(values)]


async def advance_intents(tx: Tx, workspace_id: int, advances: Sequence[Advance], *, now: datetime) -> None:
    """Set the states and write the trail; an intent may appear once."""
    if advances:
        await tx.execute(_ADVANCE, workspace_id=workspace_id, rows=_rows(advances), now=now)


async def move_queue(tx: Tx, workspace_id: int, moves: Sequence[Move]) -> None:
    """Set what is done next."""
    if moves:
        await tx.execute(_MOVE, workspace_id=workspace_id, rows=_rows(moves))


async def hand_over(
    tx: Tx, workspace_id: int, leaving: Sequence[Leaving], *, now: datetime
) -> dict[tuple[UUID, str], int]:
    """Reserve the slots and write the handoffs as submitted; return the attempt number of each."""
    if not leaving:
        return {}
    rows = await tx.fetch(_HAND_OVER, workspace_id=workspace_id, rows=_rows(leaving), now=now)
    return {(row["intent_id"], row["channel"]): row["attempt"] for row in rows}


async def settle_handoffs(tx: Tx, workspace_id: int, settled: Sequence[Settled], *, now: datetime) -> set[UUID]:
    """Write outcomes, confirm or release the slots; return the intents whose handoff was still waiting for it."""
    if not settled:
        return set()
    rows = await tx.fetch(_SETTLE, workspace_id=workspace_id, rows=_rows(settled), now=now)
    return {row["intent_id"] for row in rows}


async def release_slots(tx: Tx, workspace_id: int, intent_ids: Sequence[UUID]) -> None:
    """Give back the reserved slots of intents that will not be sent now."""
    if intent_ids:
        await tx.execute(_RELEASE_SLOTS, workspace_id=workspace_id, intent_ids=list(intent_ids))
