"""Columnar rows that are being made anew from the owners, and which columnar store belongs to this database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx, statement
from libs.common.ids import new_id

_REQUEST = statement(
    """
    insert into segment.rebuild (rebuild_id, workspace_id, reason)
    select * from unnest(:rebuild_ids::uuid[], :workspace_ids::int[], :reasons::text[])
    on conflict (workspace_id) where finished_at is null do nothing
    """
)
_COLUMNS = "rebuild_id, workspace_id, reason, requested_at, begun_at, is_wiped, replays, finished_at"
_OPEN = statement(f"select {_COLUMNS} from segment.rebuild where finished_at is null order by workspace_id")
_LAST = statement(
    f"select {_COLUMNS} from segment.rebuild where workspace_id = :workspace_id order by requested_at desc limit 1"
)
_IS_OPEN = statement(
    "select exists (select from segment.rebuild where workspace_id = :workspace_id and finished_at is null)"
)
_MUST_WAIT = statement(
    """
    select exists (
        select from segment.rebuild where workspace_id = :workspace_id and finished_at is null and not is_wiped
    )
    """
)
_BEGUN = statement(
    """
    update segment.rebuild set begun_at = clock_timestamp(), replays = :replays
    where rebuild_id = :rebuild_id and begun_at is null
    """
)
_WIPED = statement("update segment.rebuild set is_wiped = true where rebuild_id = :rebuild_id")
_FINISHED = statement(
    "update segment.rebuild set finished_at = clock_timestamp() where rebuild_id = :rebuild_id and finished_at is null"
)
_WORKSPACES = statement("select workspace_id from workspace where workspace_id > 0")
_STORE = statement("select store_id from segment.columnar_store for update")
_KEEP_STORE = statement(
    "insert into segment.columnar_store (store_id) values (:store_id)"
    " on conflict (is_known) do update set store_id = excluded.store_id"
)
_LOCK = statement("select pg_advisory_xact_lock(7304)")
_MOVED = statement(
    "select subject_no from segment.subject where workspace_id = :workspace_id::int and (moved or overridden)"
)


@dataclass(frozen=True)
class Rebuild:
    """One workspace's columnar rows being made anew."""

    rebuild_id: UUID
    workspace_id: int
    reason: str
    requested_at: datetime
    begun_at: datetime | None
    is_wiped: bool
    replays: Sequence[UUID]
    finished_at: datetime | None


async def request(tx: Tx, workspace_ids: Sequence[int], *, reason: str) -> int:
    """Ask for workspaces to be rebuilt; return how many were not already."""
    return await tx.execute(
        _REQUEST,
        rebuild_ids=[new_id() for _ in workspace_ids],
        workspace_ids=list(workspace_ids),
        reasons=[reason for _ in workspace_ids],
    )


async def open_rebuilds(tx: Tx) -> list[Rebuild]:
    """Return the rebuilds that go on."""
    return [Rebuild(**dict(row)) for row in await tx.fetch(_OPEN)]


async def last_rebuild(tx: Tx, workspace_id: int) -> Rebuild | None:
    """Return the latest rebuild of a workspace."""
    row = await tx.fetch_one(_LAST, workspace_id=workspace_id)
    return Rebuild(**dict(row)) if row else None


async def is_open(tx: Tx, workspace_id: int) -> bool:
    """Tell whether a workspace is being rebuilt: what the columnar store answers about it is not true."""
    return bool(await tx.fetch_value(_IS_OPEN, workspace_id=workspace_id))


async def must_wait(tx: Tx, workspace_id: int) -> bool:
    """Tell whether nothing may go into the columnar store yet, because it is still to be wiped."""
    return bool(await tx.fetch_value(_MUST_WAIT, workspace_id=workspace_id))


async def note_begun(tx: Tx, rebuild_id: UUID, replays: Sequence[UUID]) -> bool:
    """Note that a rebuild has begun; False when somebody else began it."""
    return bool(await tx.execute(_BEGUN, rebuild_id=rebuild_id, replays=list(replays)))


async def note_wiped(tx: Tx, rebuild_id: UUID) -> None:
    """Note that nothing of before is left."""
    await tx.execute(_WIPED, rebuild_id=rebuild_id)


async def note_finished(tx: Tx, rebuild_id: UUID) -> bool:
    """Note that everything is there again; False when somebody else did."""
    return bool(await tx.execute(_FINISHED, rebuild_id=rebuild_id))


async def all_workspaces(tx: Tx) -> list[int]:
    """Return the workspaces known here."""
    return [row["workspace_id"] for row in await tx.fetch(_WORKSPACES)]


async def known_store(tx: Tx) -> UUID | None:
    """Return the id of the columnar store that belongs to this database; one process at a time."""
    await tx.execute(_LOCK)
    found: UUID | None = await tx.fetch_value(_STORE)
    return found


async def keep_store(tx: Tx, store_id: UUID) -> None:
    """Remember which columnar store belongs to this database."""
    await tx.execute(_KEEP_STORE, store_id=store_id)


async def moved_subjects(tx: Tx, workspace_id: int) -> list[int]:
    """Return the subjects whose events may lie under another person than their owner."""
    return [row["subject_no"] for row in await tx.fetch(_MOVED, workspace_id=workspace_id)]
