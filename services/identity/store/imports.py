"""Imports: what was asked, how far it is, and the queue of those still to be run."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.db import Tx, statement
from services.identity.store.row_files import Format

_COLUMNS = (
    "workspace_id, import_id, source_id, file_name, file_path, file_hash, format, mapping, live, state, total_rows,"
    " next_row, accepted, duplicate, conflict, quarantined, personless, why, created_at, finished_at"
)
_ADD = statement(
    f"insert into import ({_COLUMNS})"
    " values (:workspace_id, :import_id, :source_id, :file_name, :file_path, :file_hash, :format, :mapping, :live,"
    " :state, :total_rows, :next_row, :accepted, :duplicate, :conflict, :quarantined, :personless, :why, :created_at,"
    " :finished_at)"
)
_QUEUE = statement("insert into import_queue (import_id, workspace_id) values (:import_id, :workspace_id)")
_UNQUEUE = statement("delete from import_queue where import_id = :import_id")
_NEXT = statement("select import_id, workspace_id from import_queue order by import_id limit :limit")
_QUEUED = statement(
    "select import_id from import_queue where import_id = any(:ids::uuid[])"
    " union all select preview_id from import_preview_queue where preview_id = any(:ids::uuid[])"
)
_GET = statement(f"select {_COLUMNS} from import where workspace_id = :workspace_id and import_id = :import_id")
_LIST = statement(
    f"select {_COLUMNS} from import where workspace_id = :workspace_id"
    " and (:before::uuid is null or import_id < :before) order by import_id desc limit :row_limit"
)
_ADVANCE = statement(
    "update import set state = 'running', next_row = :to_row, accepted = accepted + :accepted,"
    " duplicate = duplicate + :duplicate, conflict = conflict + :conflict, quarantined = quarantined + :quarantined,"
    " personless = personless + :personless"
    " where workspace_id = :workspace_id and import_id = :import_id and next_row = :from_row"
    " and state in ('waiting', 'running')"
)
_FINISH = statement(
    "update import set state = :state, why = :why, finished_at = :now"
    " where workspace_id = :workspace_id and import_id = :import_id and state in ('waiting', 'running')"
)
_RESUME = statement(
    "update import set state = 'waiting', why = '', finished_at = null"
    " where workspace_id = :workspace_id and import_id = :import_id and state in ('failed', 'stopped')"
)
_KNOWN = statement("select count(*) from event_deduplication where key = any(:keys)")
_CONTENTS = statement("select key, content_hash from event_deduplication where key = any(:keys::bytea[])")
_BACKLOG = statement("select count(*) from (select from ingest_queue limit :most) as read_later")


class ImportRow(msgspec.Struct, frozen=True, kw_only=True):
    """One import and how far it is; `next_row` rows are in the record."""

    workspace_id: int
    import_id: UUID
    source_id: int
    file_name: str
    file_path: str
    file_hash: str
    format: Format
    mapping: dict[str, object]
    live: bool
    state: str = "waiting"
    total_rows: int
    next_row: int = 0
    accepted: int = 0
    duplicate: int = 0
    conflict: int = 0
    quarantined: int = 0
    personless: int = 0
    why: str = ""
    created_at: datetime
    finished_at: datetime | None = None


async def add(tx: Tx, row: ImportRow) -> None:
    """Save an import and queue it."""
    await tx.execute(_ADD, **msgspec.structs.asdict(row))
    await tx.execute(_QUEUE, import_id=row.import_id, workspace_id=row.workspace_id)


async def queued(tx: Tx, limit: int) -> list[tuple[int, UUID]]:
    """Return (workspace, import) of the oldest imports still to be run (worker role)."""
    return [(row["workspace_id"], row["import_id"]) for row in await tx.fetch(_NEXT, limit=limit)]


async def queued_among(tx: Tx, ids: Collection[UUID]) -> set[UUID]:
    """Return which of these imports and previews are still to be run (worker role)."""
    return {row[0] for row in await tx.fetch(_QUEUED, ids=list(ids))}


async def find(tx: Tx, workspace_id: int, import_id: UUID) -> ImportRow | None:
    """Return an import of a workspace."""
    row = await tx.fetch_one(_GET, workspace_id=workspace_id, import_id=import_id)
    return ImportRow(**dict(row)) if row else None


async def list_rows(tx: Tx, workspace_id: int, limit: int, before: UUID | None) -> list[ImportRow]:
    """Return imports, newest first."""
    rows = await tx.fetch(_LIST, workspace_id=workspace_id, row_limit=limit, before=before)
    return [ImportRow(**dict(row)) for row in rows]


async def advance(tx: Tx, row: ImportRow, *, to_row: int, counted: dict[str, int]) -> bool:
    """Move the checkpoint from where `row` stands; False when another process did, or it was stopped."""
    return bool(
        await tx.execute(
            _ADVANCE,
            workspace_id=row.workspace_id,
            import_id=row.import_id,
            from_row=row.next_row,
            to_row=to_row,
            **{
                name: counted.get(name, 0)
                for name in ("accepted", "duplicate", "conflict", "quarantined", "personless")
            },
        )
    )


async def finish(tx: Tx, workspace_id: int, import_id: UUID, *, state: str, why: str, now: datetime) -> bool:
    """End an import that is not over; its place in the queue is given up."""
    ended = await tx.execute(_FINISH, workspace_id=workspace_id, import_id=import_id, state=state, why=why, now=now)
    await tx.execute(_UNQUEUE, import_id=import_id)
    return bool(ended)


async def resume(tx: Tx, workspace_id: int, import_id: UUID) -> bool:
    """Queue an import that failed or was stopped again, from where it stands; False when it is neither."""
    resumed = await tx.execute(_RESUME, workspace_id=workspace_id, import_id=import_id)
    if resumed:
        await tx.execute(_QUEUE, import_id=import_id, workspace_id=workspace_id)
    return bool(resumed)


async def count_known(tx: Tx, keys: list[bytes]) -> int:
    """Return how many of these keys were taken before."""
    return int(await tx.fetch_value(_KNOWN, keys=keys))


async def backlog(tx: Tx, most: int) -> int:
    """Return how much the resolver has still to read, counted up to `most` (worker role)."""
    return int(await tx.fetch_value(_BACKLOG, most=most))


async def contents(tx: Tx, keys: Collection[bytes]) -> dict[bytes, bytes]:
    """Return the hash of what was taken under each of these keys that are known."""
    rows = await tx.fetch(_CONTENTS, keys=list(keys))
    return {row["key"]: row["content_hash"] for row in rows}
