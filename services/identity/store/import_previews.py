"""Previews of imports: what was asked, how far they are, and the queue of those still to be made."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.common.db import Tx, statement
from services.identity.store.leases import LeasedQueue
from services.identity.store.row_files import Format

_COLUMNS = (
    "workspace_id, preview_id, source_id, file_name, file_path, file_hash, format, mapping, state, total_rows,"
    " rows_read, report, why, created_at, finished_at, begun, tries"
)
_ADD = statement(
    f"insert into import_preview ({_COLUMNS})"
    " values (:workspace_id, :preview_id, :source_id, :file_name, :file_path, :file_hash, :format, :mapping, :state,"
    " :total_rows, :rows_read, :report, :why, :created_at, :finished_at, :begun, :tries)"
)
_QUEUE = statement("insert into import_preview_queue (preview_id, workspace_id) values (:preview_id, :workspace_id)")
# Where it is being said of known identifiers what they are spellings of, a preview would miss what is not said yet.
queue = LeasedQueue(
    "import_preview_queue",
    "import_preview",
    "preview_id",
    ready="not exists (select from respelling_queue r where r.workspace_id = q.workspace_id)",
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
    " where workspace_id = :workspace_id and preview_id = :preview_id and begun = :begun"
)
_FINISH = statement(
    "update import_preview set state = :state, rows_read = :rows_read, report = :report, why = :why,"
    " finished_at = :now where workspace_id = :workspace_id and preview_id = :preview_id and begun = :begun"
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
    begun: int = 0
    tries: int = 0


async def add(tx: Tx, row: PreviewRow) -> None:
    """Save a preview that is asked for, and queue it."""
    await tx.execute(_ADD, **msgspec.structs.asdict(row))
    await tx.execute(_QUEUE, preview_id=row.preview_id, workspace_id=row.workspace_id)


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


async def advance(tx: Tx, row: PreviewRow, rows_read: int) -> None:
    """Say how many rows were read, unless somebody else began since."""
    await tx.execute(
        _ADVANCE, workspace_id=row.workspace_id, preview_id=row.preview_id, begun=row.begun, rows_read=rows_read
    )


async def finish(
    tx: Tx, row: PreviewRow, *, state: str, rows_read: int, report: dict[str, Any] | None, why: str, now: datetime
) -> bool:
    """Write what came of a preview and take it off the queue; False when somebody else began it since."""
    ended = await tx.execute(
        _FINISH, workspace_id=row.workspace_id, preview_id=row.preview_id, begun=row.begun, state=state,
        rows_read=rows_read, report=report, why=why, now=now,
    )  # fmt: skip
    if ended:
        await queue.end(tx, row.workspace_id, row.preview_id)
    return ended > 0
