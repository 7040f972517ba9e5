"""The record of events: what was taken, the keys ever seen, and the queue to the resolver."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from libs.common.db import Tx, load_sql, statement
from libs.common.db.as_text import numbers

_TAKE = load_sql(__file__, "take_events.sql")
_READ = load_sql(__file__, "read_events.sql")
_LIST = load_sql(__file__, "list_events.sql")
_ENSURE_MONTH = statement("select ensure_event_month(:instant)")
_HOLDERS = statement(
    "select key, content_hash, event_id, received_at from event_deduplication"
    " where key = any(:keys) order by key for update"
)
_MAKE_EVENT = statement(
    "update event_deduplication set content_hash = :content_hash, event_id = :event_id, received_at = :received_at"
    " where key = :key"
)
_REMEMBER = statement(
    "insert into event_deduplication (workspace_id, key, content_hash, event_id, received_at)"
    " values (:workspace_id, :key, :content_hash, :event_id, :received_at) on conflict (key) do nothing"
)
_DEMOTE = statement(
    "update event_log set is_conflict = true"
    " where workspace_id = :workspace_id and received_at = :received_at and event_id = :event_id"
)


Outcome = Literal["accepted", "duplicate", "conflict"]


@dataclass(slots=True)
class EventRow:
    """An event on its way into the record; `key` and `content_hash` are 16 bytes; `outcome` is set when it is taken."""

    key: bytes
    workspace_id: int
    event_id: UUID
    source_id: int
    received_at: datetime
    event_time: datetime
    original_time: datetime | None
    kind: str
    name: str
    message_id: str
    content_hash: bytes
    payload: bytes
    imported: bool = False
    live: bool = True
    is_conflict: bool = False
    replaces: UUID | None = None
    outcome: Outcome | None = None


class Holder(msgspec.Struct, frozen=True):
    """The copy that is the event of a key at present."""

    key: bytes
    content_hash: bytes
    event_id: UUID
    received_at: datetime


class LoggedEvent(msgspec.Struct, frozen=True):
    """An event of the record, its payload still sealed; in the order of read_events.sql."""

    workspace_id: int
    event_id: UUID
    source_id: int
    received_at: datetime
    event_time: datetime
    original_time: datetime | None
    kind: str
    name: str
    message_id: str
    is_conflict: bool
    imported: bool
    live: bool
    payload: bytes


async def ensure_month(tx: Tx, instant: datetime) -> str:
    """Make the partition of the month around `instant` where absent; return its name."""
    return str(await tx.fetch_value(_ENSURE_MONTH, instant=instant))


async def take_events(tx: Tx, rows: Sequence[EventRow]) -> set[bytes]:
    """Put events whose key was never seen into key table, log and queue; return those keys. One key at most once."""
    taken = await tx.fetch(_TAKE, **_columns(sorted(rows, key=lambda row: row.key)))
    return {record["key"] for record in taken}


def _columns(rows: Sequence[EventRow]) -> dict[str, object]:
    return {
        "keys": [row.key for row in rows],
        "workspace_ids": [row.workspace_id for row in rows],
        "event_ids": [row.event_id for row in rows],
        "source_ids": [row.source_id for row in rows],
        "received_ats": [row.received_at for row in rows],
        "event_times": [row.event_time for row in rows],
        "original_times": [row.original_time for row in rows],
        "kinds": [row.kind for row in rows],
        "names": [row.name for row in rows],
        "message_ids": [row.message_id for row in rows],
        "content_hashes": [row.content_hash for row in rows],
        "imported_flags": [row.imported for row in rows],
        "lives": [row.live for row in rows],
        "conflicts": [row.is_conflict for row in rows],
        "replaced": [row.replaces for row in rows],
        "payloads": [row.payload for row in rows],
    }


async def holders(tx: Tx, keys: Sequence[bytes]) -> dict[bytes, Holder]:
    """Return the present event of each key, locked in key order."""
    rows = await tx.fetch(_HOLDERS, keys=list(keys))
    return {row["key"]: Holder(row["key"], row["content_hash"], row["event_id"], row["received_at"]) for row in rows}


async def replace_event(tx: Tx, row: EventRow, holder: Holder, copy_key: bytes) -> None:
    """Make `row` the event of its holder's key; the copy that held it becomes a conflict, known by `copy_key`."""
    await tx.execute(
        _REMEMBER,
        workspace_id=row.workspace_id,
        key=copy_key,
        content_hash=holder.content_hash,
        event_id=holder.event_id,
        received_at=holder.received_at,
    )
    await tx.execute(
        _MAKE_EVENT,
        key=holder.key,
        content_hash=row.content_hash,
        event_id=row.event_id,
        received_at=row.received_at,
    )
    await tx.execute(_DEMOTE, workspace_id=row.workspace_id, received_at=holder.received_at, event_id=holder.event_id)


async def read_events(tx: Tx, references: Sequence[tuple[int, datetime, UUID]]) -> list[LoggedEvent]:
    """Return the events named by (workspace, received_at, event id), at least one, in no particular order."""
    received_ats = [reference[1] for reference in references]
    rows = await tx.fetch(
        _READ,
        workspace_ids=numbers([reference[0] for reference in references]),
        received_ats=received_ats,
        event_ids=[reference[2] for reference in references],
        earliest=min(received_ats),
        latest=max(received_ats),
    )
    return [LoggedEvent(*row) for row in rows]


async def list_events(
    tx: Tx,
    *,
    workspace_id: int,
    limit: int,
    source_id: int | None = None,
    name: str | None = None,
    before: tuple[datetime, UUID] | None = None,
) -> list[LoggedEvent]:
    """Return events by arrival, newest first; `before` is (received_at, event id) of the last one seen."""
    rows = await tx.fetch(
        _LIST,
        workspace_id=workspace_id,
        source_id=source_id,
        name=name,
        before_time=before[0] if before else None,
        before_id=before[1] if before else None,
        row_limit=limit,
    )
    return [LoggedEvent(**dict(row)) for row in rows]
