"""The ledger of intents: one row for each wish to send, whatever became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from asyncpg import Record

from libs.common.db import Tx, load_sql, statement
from services.messaging.domain.intent import Intent, MessageClass

_ADD = load_sql(__file__, "add_intents.sql")
_OPEN_WINDOWS = load_sql(__file__, "open_windows.sql")
_LOAD = statement("select * from intent where workspace_id = :workspace_id and intent_id = any(:intent_ids::uuid[])")
_BY_KEY = statement(
    "select intent_id from intent where workspace_id = :workspace_id and idempotency_key = :idempotency_key"
)

_RIVALS = statement("""
    select i.*
    from intent i
    join intent_queue q using (workspace_id, intent_id)
    where i.workspace_id = :workspace_id
      and i.person_no = any(:person_nos::int[])
      and i.intent_id <> all(:except_ids::uuid[])
      and i.window_ends_at is not null
      and q.step = 'send'
      and q.due_at <= :now
""")


class NewIntent(msgspec.Struct, frozen=True, kw_only=True):
    """An intent as it enters the ledger; `content_key` is hex, `content` and `sealed` (of the context) are sealed."""

    intent_id: UUID
    idempotency_key: str
    person_no: int
    side_no: int | None = None
    """Whose it is when the merges behind `person_no` are undone; None is `person_no` himself."""
    subject_no: int = 0
    """The identifier it is addressed to; 0 where nobody knows."""
    person_id: UUID | None
    origin: Literal["journey", "api", "campaign"]
    channels: tuple[str, ...]
    requested_at: datetime
    received_at: datetime
    expires_at: datetime
    due_at: datetime
    message_class: MessageClass = "marketing"
    purpose: str = "marketing"
    category: str = ""
    topic: str = ""
    priority: int = 0
    value: float = 0.0
    on_lose: Literal["drop", "defer"] = "drop"
    fallback_after_seconds: float | None = None
    window_ends_at: datetime | None = None
    journey_id: UUID | None = None
    journey_version: int | None = None
    run_id: UUID | None = None
    node: str = ""
    visit: int = 0
    campaign_id: UUID | None = None
    campaign: str = ""
    template_id: UUID | None = None
    template_key: str | None = None
    content: str | None = None
    content_key: str = ""
    context: Any = {}
    sealed: str | None = None


@dataclass(frozen=True, slots=True)
class StoredIntent:
    """An intent of the ledger: what the gate reads, and what rendering and reporting need besides."""

    intent: Intent
    side_no: int
    """Whose it is when the merges behind its person are undone."""
    person_id: UUID | None
    origin: str
    journey_id: UUID | None
    run_id: UUID | None
    node: str
    visit: int
    campaign_id: UUID | None
    template_id: UUID | None
    template_key: str | None
    content: str | None = field(repr=False)
    context: dict[str, Any] = field(repr=False)
    sealed: str | None = field(repr=False)
    fallback_after_seconds: float | None
    requested_at: datetime
    received_at: datetime
    state: str
    channel: str
    reason: str
    detail: dict[str, Any]
    attempts: int
    changed_at: datetime


def stored_intent(row: Record) -> StoredIntent:
    """Return a ledger row as values."""
    intent = Intent(
        workspace_id=row["workspace_id"],
        intent_id=row["intent_id"],
        person_no=row["person_no"],
        channels=tuple(row["channels"]),
        channel_index=row["channel_index"],
        expires_at=row["expires_at"],
        message_class=row["message_class"],
        purpose=row["purpose"],
        category=row["category"],
        campaign=row["campaign"],
        topic=row["topic"],
        content_key=bytes(row["content_key"]),
        priority=row["priority"],
        value=row["value"],
        on_lose=row["on_lose"],
        window_ends_at=row["window_ends_at"],
    )
    return StoredIntent(
        intent=intent,
        side_no=row["person_no"] if row["side_no"] is None else row["side_no"],
        person_id=row["person_id"],
        origin=row["origin"],
        journey_id=row["journey_id"],
        run_id=row["run_id"],
        node=row["node"],
        visit=row["visit"],
        campaign_id=row["campaign_id"],
        template_id=row["template_id"],
        template_key=row["template_key"],
        content=row["content"],
        context=row["context"],
        sealed=row["sealed"],
        fallback_after_seconds=row["fallback_after_seconds"],
        requested_at=row["requested_at"],
        received_at=row["received_at"],
        state=row["state"],
        channel=row["channel"],
        reason=row["reason"],
        detail=row["detail"],
        attempts=row["attempts"],
        changed_at=row["changed_at"],
    )


async def add_intents(tx: Tx, workspace_id: int, intents: Sequence[NewIntent]) -> set[UUID]:
    """Write and queue the intents whose key is new; return the ids that were."""
    rows = await tx.fetch(_ADD, workspace_id=workspace_id, rows=[msgspec.to_builtins(i) for i in intents])
    return {row["intent_id"] for row in rows}


async def open_windows(
    tx: Tx, workspace_id: int, person_nos: Sequence[int], *, now: datetime, seconds: float
) -> dict[int, datetime]:
    """Return, per person, when the arbitration window that is open now ends; one is opened where none is."""
    rows = await tx.fetch(
        _OPEN_WINDOWS, workspace_id=workspace_id, person_nos=sorted(set(person_nos)), now=now, seconds=seconds
    )
    return {row["person_no"]: row["window_ends_at"] for row in rows}


async def load_intents(tx: Tx, workspace_id: int, intent_ids: Sequence[UUID]) -> list[StoredIntent]:
    """Return the intents that exist."""
    rows = await tx.fetch(_LOAD, workspace_id=workspace_id, intent_ids=list(intent_ids))
    return [stored_intent(row) for row in rows]


async def intent_by_key(tx: Tx, workspace_id: int, idempotency_key: str) -> UUID | None:
    """Return the intent of a key."""
    found: UUID | None = await tx.fetch_value(_BY_KEY, workspace_id=workspace_id, idempotency_key=idempotency_key)
    return found


async def rivals_of(
    tx: Tx, workspace_id: int, person_nos: Sequence[int], except_ids: Sequence[UUID], *, now: datetime
) -> list[Intent]:
    """Return the other due candidates of these persons that stand in an arbitration window."""
    rows = await tx.fetch(
        _RIVALS, workspace_id=workspace_id, person_nos=list(person_nos), except_ids=list(except_ids), now=now
    )
    return [stored_intent(row).intent for row in rows]
