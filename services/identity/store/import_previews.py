"""Previews of imports: what was asked, how far they are, and the queue of those still to be made."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.common.db import Tx, statement
from services.identity.store.row_files import Format

_COLUMNS = (
    "workspace_id, preview_id, source_id, file_name, file_path, file_hash, format, mapping, state, total_rows,"
    " rows_read, report, why, created_at, finished_at"
)
_ADD = statement(
    f"insert into import_preview ({_COLUMNS})"
    " values (:workspace_id, :preview_id, :source_id, :file_name, :file_path, :file_hash, :format, :mapping, :state,"
    " :total_rows, :rows_read, :report, :why, :created_at, :finished_at)"
)
_QUEUE = statement("insert into import_preview_queue (preview_id, workspace_id) values (:preview_id, :workspace_id)")
# Where it is being said of known identifiers what they are spellings of, a preview would miss what is not said yet.
_CLAIM = statement(
    "delete from import_preview_queue where preview_id ="
    " (select q.preview_id from import_preview_queue q where not exists"
    " (select from respelling_queue r where r.workspace_id = q.workspace_id)"
    " order by q.preview_id limit 1 for update skip locked)"
    " returning workspace_id, preview_id"
)
_OPEN = statement("select count(*) from import_preview_queue where workspace_id = :workspace_id")
_GET = statement(
    f"select {_COLUMNS} from import_preview where workspace_id = :workspace_id and preview_id = :preview_id"
)
_LIST = statement(
    f"select {_COLUMNS} from import_preview where workspace_id = :workspace_id"
    " and (:before::uuid is null or preview_id < :before) order by preview_id desc limit :row_limit"
)
_ADVANCE = statement(
    "update import_preview set state = 'running', rows_read = :rows_read"
    " where workspace_id = :workspace_id and preview_id = :preview_id"
)
_BEGIN = statement(
    "update import_preview set state = 'running', begun = begun + 1"
    " where workspace_id = :workspace_id and preview_id = :preview_id returning begun"
)
_FINISH = statement(
    "update import_preview set state = :state, rows_read = :rows_read, report = :report, why = :why,"
    " finished_at = :now where workspace_id = :workspace_id and preview_id = :preview_id"
)


class PreviewRow(msgspec.Struct, frozen=True, kw_only=True):
    """One preview; `report` is there once it is done, `why` says what kept it from being made."""

    workspace_id: int
    preview_id: UUID
    source_id: int
    file_name: str
    file_path: str
    file_hash: str
    format: Format
    mapping: dict[str, object]
    state: str = "waiting"
    total_rows: int
    rows_read: int = 0
    report: dict[str, Any] | None = None
    why: str = ""
    created_at: datetime
    finished_at: datetime | None = None


async def add(tx: Tx, row: PreviewRow) -> None:
    """Save a preview that is asked for, and queue it."""
    await tx.execute(_ADD, **msgspec.structs.asdict(row))
    await tx.execute(_QUEUE, preview_id=row.preview_id, workspace_id=row.workspace_id)


async def claim(tx: Tx) -> tuple[int, UUID] | None:
    """Take the oldest off the queue (worker role); it stays there unless the transaction commits."""
    found = await tx.fetch_one(_CLAIM)
    return (found["workspace_id"], found["preview_id"]) if found else None


async def count_open(tx: Tx, workspace_id: int) -> int:
    """Count those that are not made."""
    return int(await tx.fetch_value(_OPEN, workspace_id=workspace_id))


async def find(tx: Tx, workspace_id: int, preview_id: UUID) -> PreviewRow | None:
    """Return a preview of a workspace."""
    row = await tx.fetch_one(_GET, workspace_id=workspace_id, preview_id=preview_id)
    return PreviewRow(**dict(row)) if row else None


async def list_rows(tx: Tx, workspace_id: int, limit: int, before: UUID | None) -> list[PreviewRow]:
    """Return previews, newest first."""
    rows = await tx.fetch(_LIST, workspace_id=workspace_id, row_limit=limit, before=before)
    return [PreviewRow(**dict(row)) for row in rows]


async def begin(tx: Tx, row: PreviewRow) -> int:
    """Say that it is begun, in a transaction of its own; return how many times it was."""
    return int(await tx.fetch_value(_BEGIN, workspace_id=row.workspace_id, preview_id=row.preview_id))


async def advance(tx: Tx, row: PreviewRow, rows_read: int) -> None:
    """Say how many rows were read; told in a transaction of its own, since the preview's own shows nothing yet."""
    await tx.execute(_ADVANCE, workspace_id=row.workspace_id, preview_id=row.preview_id, rows_read=rows_read)


async def finish(
    tx: Tx, row: PreviewRow, *, state: str, rows_read: int, report: dict[str, Any] | None, why: str, now: datetime
) -> None:
    """Write what came of a preview."""
    await tx.execute(
        _FINISH, workspace_id=row.workspace_id, preview_id=row.preview_id, state=state, rows_read=rows_read,
        report=report, why=why, now=now,
    )  # fmt: skip
