"""What left the house, and what was reported about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.db import Tx, statement
from services.messaging.domain.provider_errors import CanonicalError

_LOAD = statement("""
    select h.intent_id, h.channel, h.message_id, h.state, h.attempt, h.address_lookup, h.content_sealed, h.language,
           h.template_version, h.error_code, h.error_raw, h.submitted_at, h.changed_at
    from handoff h
    where h.workspace_id = :workspace_id and h.intent_id = any(:intent_ids::uuid[])
    order by h.submitted_at
""")
_MARK = statement("""
    update handoff h set state = r.state, error_code = r.error_code, error_raw = r.error_raw, changed_at = :now
    from jsonb_to_recordset(:rows) as r(intent_id uuid, channel text, state text, error_code text, error_raw text)
    where h.workspace_id = :workspace_id and h.intent_id = r.intent_id and h.channel = r.channel
""")
_LOSE = statement("""
    update handoff h set state = 'unknown', error_code = '', error_raw = '', changed_at = :now
    from unnest(:intent_ids::uuid[], :channels::text[], :attempts::int[]) as r(intent_id, channel, attempt)
    where h.workspace_id = :workspace_id and h.intent_id = r.intent_id and h.channel = r.channel
      and h.attempt = r.attempt and h.state = 'submitted'
    returning h.intent_id
""")
_RECEIVE = statement("""
    insert into receipt (workspace_id, intent_id, channel, state, link, human, at)
    select :workspace_id, r.intent_id, r.channel, r.state, r.link, r.human, r.at
    from jsonb_to_recordset(:rows) as r(
        intent_id uuid, channel text, state text, link text, human boolean, at timestamptz
    )
    on conflict do nothing
    returning intent_id, channel, state, link, human
""")
_FREE_SLOT = statement("""
    delete from reservation
    where workspace_id = :workspace_id and intent_id = :intent_id and channel = :channel
""")
_CONFIRM_SLOT = statement("""
    update reservation set state = 'confirmed'
    where workspace_id = :workspace_id and intent_id = :intent_id and channel = :channel
""")
_QUEUE_AGAIN = statement("""
    insert into intent_queue (workspace_id, intent_id, step, lane, due_at)
    values (:workspace_id, :intent_id, 'send', :lane, :due_at)
    on conflict (workspace_id, intent_id) do update
    set step = 'send', due_at = excluded.due_at, available_at = '-infinity'
""")


@dataclass(frozen=True, slots=True)
class Handoff:
    """One attempt series of an intent on a channel."""

    intent_id: UUID
    channel: str
    message_id: str
    state: str
    attempt: int
    address_lookup: bytes | None
    content_sealed: str | None = field(repr=False)
    language: str
    template_version: int | None
    error_code: str
    error_raw: str
    submitted_at: datetime
    changed_at: datetime


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """A handoff's new state."""

    intent_id: UUID
    channel: str
    state: str
    error_code: str = ""
    error_raw: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says about a message: a provider, a mail program, a person's click."""

    intent_id: UUID
    channel: str
    state: str
    at: datetime
    link: str = ""
    human: bool = True
    error: CanonicalError | None = None


async def load_handoffs(tx: Tx, workspace_id: int, intent_ids: Sequence[UUID]) -> list[Handoff]:
    """Return the handoffs of intents, oldest first."""
    rows = await tx.fetch(_LOAD, workspace_id=workspace_id, intent_ids=list(intent_ids))
    return [Handoff(*row.values()) for row in rows]


async def mark_handoffs(tx: Tx, workspace_id: int, marked: Sequence[Marked], *, now: datetime) -> None:
    """Set states of handoffs."""
    if marked:
        await tx.execute(_MARK, workspace_id=workspace_id, rows=[msgspec.to_builtins(m) for m in marked], now=now)


async def lose_handoffs(tx: Tx, workspace_id: int, lost: Sequence[Handoff], *, now: datetime) -> set[UUID]:
    """Set handed-over messages to unknown; return the intents of those that nobody had answered for meanwhile."""
    if not lost:
        return set()
    rows = await tx.fetch(
        _LOSE,
        workspace_id=workspace_id,
        intent_ids=[h.intent_id for h in lost],
        channels=[h.channel for h in lost],
        attempts=[h.attempt for h in lost],
        now=now,
    )
    return {row["intent_id"] for row in rows}


async def receive_reports(tx: Tx, workspace_id: int, reports: Sequence[Report]) -> list[Report]:
    """Keep reports; return those not heard before, in their order."""
    rows = await tx.fetch(_RECEIVE, workspace_id=workspace_id, rows=[msgspec.to_builtins(r) for r in reports])
    new = {(r["intent_id"], r["channel"], r["state"], r["link"], r["human"]) for r in rows}
    fresh = []
    for report in reports:
        key = (report.intent_id, report.channel, report.state, report.link, report.human)
        if key in new:
            new.discard(key)
            fresh.append(report)
    return fresh


async def free_slot(tx: Tx, workspace_id: int, intent_id: UUID, channel: str) -> None:
    """Give back the slot of a message that did not arrive."""
    await tx.execute(_FREE_SLOT, workspace_id=workspace_id, intent_id=intent_id, channel=channel)


async def confirm_slot(tx: Tx, workspace_id: int, intent_id: UUID, channel: str) -> None:
    """Keep the slot of a message that arrived."""
    await tx.execute(_CONFIRM_SLOT, workspace_id=workspace_id, intent_id=intent_id, channel=channel)


async def queue_again(tx: Tx, workspace_id: int, intent_id: UUID, *, lane: int, due_at: datetime) -> None:
    """Let an intent that had left the queue be sent by its next channel."""
    await tx.execute(_QUEUE_AGAIN, workspace_id=workspace_id, intent_id=intent_id, lane=lane, due_at=due_at)
