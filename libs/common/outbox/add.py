"""Saying events: rows in the same transaction as the facts they tell."""

import asyncio
from collections.abc import Sequence
from weakref import WeakSet

from libs.common.contracts.event import Event
from libs.common.db import Tx, load_sql
from libs.common.outbox.rows import group
from libs.common.telemetry import inject_headers

_ADD = load_sql(__file__, "add.sql")

_relays: "WeakSet[asyncio.Event]" = WeakSet()
"""The wake-up calls of the relays in this process; a relay elsewhere polls."""


async def add(tx: Tx, events: Event | Sequence[Event]) -> None:
    """Publish events once the transaction is committed; their workspaces must be the transaction's."""
    rows = group([events] if isinstance(events, Event) else events)
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
    tx.after_commit(wake_relays)


def wake_relays() -> None:
    """Let the relays of this process look at once."""
    for wakened in _relays:
        wakened.set()


def wake_by(wakened: asyncio.Event) -> None:
    """Register a relay's wake-up call for as long as it lives."""
    _relays.add(wakened)
