"""Calls that could not be taken, kept sealed until somebody repairs or discards them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.db import Tx, load_sql, statement

_KEEP = load_sql(__file__, "keep_in_quarantine.sql")
_LIST = load_sql(__file__, "list_quarantine.sql")
_CLAIM = statement(
    "select * from quarantine where workspace_id = :workspace_id and quarantine_id = any(:ids) and status = 'held'"
    " order by quarantine_id for update"
)
_SETTLE = statement(
    "update quarantine set status = :status, settled_at = :now"
    " where workspace_id = :workspace_id and quarantine_id = any(:ids) and status = 'held'"
)
_AFTER = statement(
    "select * from quarantine where workspace_id = :workspace_id"
    " and (:after::uuid is null or quarantine_id > :after) order by quarantine_id limit :row_limit"
)
_DELETE = statement("delete from quarantine where workspace_id = :workspace_id and quarantine_id = any(:ids::uuid[])")


class QuarantineRow(msgspec.Struct, frozen=True, kw_only=True):
    """One call that could not be taken: the reason, where in it, and its sealed bytes."""

    workspace_id: int
    quarantine_id: UUID
    source_id: int
    received_at: datetime
    kind: str | None = None
    name: str | None = None
    message_id: str | None = None
    reason: str
    pointer: str
    detail: str
    payload: bytes
    import_id: UUID | None = None
    row_no: int | None = None
    status: str = "held"
    settled_at: datetime | None = None


async def keep(tx: Tx, rows: Sequence[QuarantineRow]) -> None:
    """Put calls into quarantine; a row of an import at most once."""
    await tx.execute(
        _KEEP,
        workspace_ids=[row.workspace_id for row in rows],
        quarantine_ids=[row.quarantine_id for row in rows],
        source_ids=[row.source_id for row in rows],
        received_ats=[row.received_at for row in rows],
        kinds=[row.kind for row in rows],
        names=[row.name for row in rows],
        message_ids=[row.message_id for row in rows],
        reasons=[row.reason for row in rows],
        pointers=[row.pointer for row in rows],
        details=[row.detail for row in rows],
        payloads=[row.payload for row in rows],
        import_ids=[row.import_id for row in rows],
        row_nos=[row.row_no for row in rows],
    )


async def list_rows(
    tx: Tx,
    *,
    workspace_id: int,
    limit: int,
    before: UUID | None = None,
    source_id: int | None = None,
    reason: str | None = None,
    status: str | None = "held",
    import_id: UUID | None = None,
) -> list[QuarantineRow]:
    """Return quarantined calls, newest first."""
    rows = await tx.fetch(
        _LIST,
        workspace_id=workspace_id,
        row_limit=limit,
        before=before,
        source_id=source_id,
        reason=reason,
        status=status,
        import_id=import_id,
    )
    return [QuarantineRow(**dict(row)) for row in rows]


async def claim_held(tx: Tx, workspace_id: int, ids: Sequence[UUID]) -> list[QuarantineRow]:
    """Return those of `ids` that are still held, locked."""
    return [QuarantineRow(**dict(row)) for row in await tx.fetch(_CLAIM, workspace_id=workspace_id, ids=list(ids))]


async def settle(tx: Tx, workspace_id: int, ids: Sequence[UUID], status: str, now: datetime) -> int:
    """End the quarantine of calls that are still held; return how many."""
    return await tx.execute(_SETTLE, workspace_id=workspace_id, ids=list(ids), status=status, now=now)


async def after(tx: Tx, workspace_id: int, position: UUID | None, limit: int) -> list[QuarantineRow]:
    """Return calls of any status, oldest first, beginning after one of them."""
    rows = await tx.fetch(_AFTER, workspace_id=workspace_id, after=position, row_limit=limit)
    return [QuarantineRow(**dict(row)) for row in rows]


async def delete(tx: Tx, workspace_id: int, ids: Sequence[UUID]) -> int:
    """Delete calls for good; return how many."""
    return await tx.execute(_DELETE, workspace_id=workspace_id, ids=list(ids))
