"""Saying events: rows in the same transaction as the facts they tell."""

import asyncio
from collections.abc import Collection, Sequence
from weakref import WeakSet

from libs.common.contracts.event import Event
from libs.common.db import Tx, load_sql, statement
from libs.common.outbox.rows import encode_line, group
from libs.common.telemetry import inject_headers

_ADD = load_sql(__file__, "add.sql")

_KEEP = statement(
    """
    insert into said (workspace_id, subject, received_at, event_id, person_no, line)
    select * from unnest(:workspace_ids::int[], :subjects::text[], :received_ats::timestamptz[], :event_ids::uuid[],
        :person_nos::int[], :lines::bytea[])
    on conflict do nothing
    """
)
_FORGET = statement("delete from said where workspace_id = :workspace_id and person_no = any(:person_nos::int[])")

_relays: "WeakSet[asyncio.Event]" = WeakSet()
"""The wake-up calls of the relays in this process; a relay elsewhere polls."""


async def add(tx: Tx, events: Event | Sequence[Event]) -> None:
    """Publish events once the transaction is committed; their workspaces must be the transaction's."""
    given = [events] if isinstance(events, Event) else events
    rows = group(given)
    if not rows:
        return
    await tx.execute(
        _ADD,
        traceparent=inject_headers().get("traceparent"),
        workspace_ids=[row.workspace_id for row in rows],
        subjects=[row.subject for row in rows],
        pps=[row.pp for row in rows],
        event_counts=[len(row.lines) for row in rows],
        payloads=[row.payload for row in rows],
        watermarks=[row.watermark for row in rows],
        earliests=[row.earliest for row in rows],
    )
    await _keep(tx, [event for event in given if event.kept])
    tx.after_commit(wake_relays)


async def _keep(tx: Tx, events: Sequence[Event]) -> None:
    """Keep events as they are said, for a consumer that has to be told again."""
    if events:
        await tx.execute(
            _KEEP,
            workspace_ids=[event.workspace_id for event in events],
            subjects=[event.subject for event in events],
            received_ats=[event.received_at for event in events],
            event_ids=[event.id for event in events],
            person_nos=[event.person_no for event in events],
            lines=[encode_line(event) for event in events],
        )


async def forget_said(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> int:
    """Delete what was said of persons and kept; return how many events."""
    return await tx.execute(_FORGET, workspace_id=workspace_id, person_nos=list(person_nos))


def wake_relays() -> None:
    """Let the relays of this process look at once."""
    for wakened in _relays:
        wakened.set()


def wake_by(wakened: asyncio.Event) -> None:
    """Register a relay's wake-up call for as long as it lives."""
    _relays.add(wakened)
