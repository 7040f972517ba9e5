"""The youngest calls that left no other row: duplicates and refusals, for a source's debugger."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.db import Tx, load_sql, statement

KEPT_PER_SOURCE = 1_000

_NOTE = load_sql(__file__, "note_turned_away.sql")
_PRUNE = statement(
    "delete from turned_away where source_id = :source_id and note_id <= ("
    "select note_id from turned_away where source_id = :source_id order by note_id desc offset :kept limit 1)"
)
_DEBUG = load_sql(__file__, "debug_source.sql")


class TurnedAway(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was a duplicate or refused."""

    workspace_id: int
    source_id: int
    note_id: UUID
    received_at: datetime
    outcome: str
    kind: str | None
    name: str | None
    message_id: str | None
    reason: str
    pointer: str


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a source's debugger."""

    id: UUID
    received_at: datetime
    outcome: str
    kind: str | None
    name: str | None
    message_id: str | None
    reason: str | None
    pointer: str | None
    payload: bytes | None


async def note(tx: Tx, rows: Sequence[TurnedAway]) -> None:
    """Note calls that were turned away."""
    await tx.execute(
        _NOTE,
        workspace_ids=[row.workspace_id for row in rows],
        source_ids=[row.source_id for row in rows],
        note_ids=[row.note_id for row in rows],
        received_ats=[row.received_at for row in rows],
        outcomes=[row.outcome for row in rows],
        kinds=[row.kind for row in rows],
        names=[row.name for row in rows],
        message_ids=[row.message_id for row in rows],
        reasons=[row.reason for row in rows],
        pointers=[row.pointer for row in rows],
    )


async def prune(tx: Tx, source_ids: Sequence[int]) -> None:
    """Forget all but the youngest notes of these sources."""
    for source_id in sorted(source_ids):  # a handful a group
        await tx.execute(_PRUNE, source_id=source_id, kept=KEPT_PER_SOURCE)


async def debug_source(tx: Tx, workspace_id: int, source_id: int, limit: int) -> list[Sighting]:
    """Return the last calls of a source, newest first, whatever became of them."""
    rows = await tx.fetch(_DEBUG, workspace_id=workspace_id, source_id=source_id, row_limit=limit)
    return [Sighting(**dict(row)) for row in rows]
