"""Segments and their versions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx, statement


@dataclass(frozen=True)
class SegmentRow:
    """A segment with the definition of its newest version."""

    segment_id: UUID
    key: str | None
    name: str
    state: str
    version: int
    live_version: int | None
    size: int
    trouble: str
    snapshot_of: UUID | None
    definition: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class LiveRow:
    """What is in force of a live segment; `is_troubled`: it could not be answered when it was last asked."""

    segment_id: UUID
    version: int
    definition: str
    is_troubled: bool = False
    is_frozen: bool = False
    is_paused: bool = False


@dataclass(frozen=True)
class NamedRow:
    """A segment's name."""

    segment_id: UUID
    name: str


@dataclass(frozen=True)
class DescribedRow:
    """A segment's name and state; of a snapshot the name of the segment it was taken of, while there is one."""

    segment_id: UUID
    name: str
    state: str
    snapshot_of: str | None


_COLUMNS = """
    segment.segment_id, segment.key, segment.name, segment.state, segment.version, segment.live_version, segment.size,
    segment.trouble, segment.snapshot_of,
    newest.definition, segment.created_at, segment.updated_at
"""
_JOINED = """
    from segment.segment
    join segment.segment_version as newest
      on newest.workspace_id = segment.workspace_id and newest.segment_id = segment.segment_id
     and newest.version = segment.version
"""
_ONE = statement(
    f"select {_COLUMNS} {_JOINED} where segment.workspace_id = :workspace_id and segment.segment_id = :segment_id"
)
_PAGE = statement(
    f"""
    select {_COLUMNS} {_JOINED}
    where segment.workspace_id = :workspace_id and segment.segment_id > :after::uuid
      and (:state = '' or segment.state = :state)
      and (:search = '' or strpos(lower(segment.name), lower(:search)) > 0 or strpos(segment.key, lower(:search)) > 0)
    order by segment.segment_id limit :limit
    """
)
_LIVE = statement(
    """
    select segment.segment_id, version.version, version.definition,
        segment.trouble <> '' and segment.version = segment.live_version as is_troubled,
        segment.state = 'frozen' as is_frozen, segment.is_behind as is_paused
    from segment.segment
    join segment.segment_version as version
      on version.workspace_id = segment.workspace_id and version.segment_id = segment.segment_id
     and version.version = segment.live_version
    where segment.workspace_id = :workspace_id and segment.live_version is not null
    order by segment.segment_id
    """
)
_ALL = statement(
    """
    select segment.segment_id, version.version, version.definition
    from segment.segment
    join segment.segment_version as version
      on version.workspace_id = segment.workspace_id and version.segment_id = segment.segment_id
     and version.version in (segment.version, segment.live_version)
    where segment.workspace_id = :workspace_id
    """
)
_ADD = statement(
    """
    insert into segment.segment (workspace_id, segment_id, key, name, state, created_at, updated_at)
    values (:workspace_id, :segment_id, :key, :name, :state, :now, :now)
    on conflict (workspace_id, key) do nothing
    """
)
_ADD_VERSION = statement(
    """
    insert into segment.segment_version (workspace_id, segment_id, version, definition, created_at, published_at)
    values (:workspace_id, :segment_id, :version, :definition, :now, :published_at)
    """
)
_UPDATE = statement(
    """
    update segment.segment set name = :name, state = :state, version = :version, updated_at = :now,
        is_behind = is_behind or :state = 'paused'
    where workspace_id = :workspace_id and segment_id = :segment_id
    """
)
_PUBLISHED = statement(
    """
    update segment.segment_version set published_at = :now
    where workspace_id = :workspace_id and segment_id = :segment_id and version = :version and published_at is null
    """
)
_LOCK = statement(
    "select 1 from segment.segment where workspace_id = :workspace_id and segment_id = :segment_id for update"
)
_HOLD_REFERENCES = statement("select pg_advisory_xact_lock(hashtextextended('segment references', :workspace_id))")
_NAMED = statement(
    """
    select segment_id, name from segment.segment
    where workspace_id = :workspace_id and segment_id = any(:segment_ids::uuid[])
    """
)
_DESCRIBED = statement(
    """
    select segment.segment_id, segment.name, segment.state, source.name as snapshot_of
    from segment.segment
    left join segment.segment as source
      on source.workspace_id = segment.workspace_id and source.segment_id = segment.snapshot_of
    where segment.workspace_id = :workspace_id and segment.segment_id = any(:segment_ids::uuid[])
    """
)
_FREEZE = statement(
    """
    update segment.segment set live_version = segment.version, snapshot_of = source.segment_id, size = source.size
    from segment.segment as source
    where segment.workspace_id = :workspace_id and segment.segment_id = :target::uuid
      and source.workspace_id = :workspace_id and source.segment_id = :source::uuid
    """
)
_DELETE = statement("delete from segment.segment where workspace_id = :workspace_id and segment_id = :segment_id")
_DELETE_REST = (
    statement("delete from segment.size_history where workspace_id = :workspace_id and segment_id = :segment_id"),
    statement("delete from segment.recompute where workspace_id = :workspace_id and segment_id = :segment_id"),
)


def _row(record: object) -> SegmentRow:
    return SegmentRow(**dict(record))  # type: ignore[call-overload]  # a record of _COLUMNS


async def one(tx: Tx, workspace_id: int, segment_id: UUID, *, lock: bool = False) -> SegmentRow | None:
    """Return a segment; with `lock`, held until the transaction ends."""
    if lock:
        await tx.fetch_value(_LOCK, workspace_id=workspace_id, segment_id=segment_id)
    record = await tx.fetch_one(_ONE, workspace_id=workspace_id, segment_id=segment_id)
    return _row(record) if record else None


async def hold_references(tx: Tx, workspace_id: int) -> None:
    """Let nobody else change which segments exist and which they refer to until the commit.

    Taken before references are checked, and before any segment is locked: two calls, each sound by itself, could
    make a cycle together.
    """
    await tx.execute(_HOLD_REFERENCES, workspace_id=workspace_id)


async def page(
    tx: Tx, workspace_id: int, *, after: UUID, limit: int, search: str = "", state: str = ""
) -> list[SegmentRow]:
    """Return segments by id: of a state, with a text in their name or key, whatever its case."""
    records = await tx.fetch(_PAGE, workspace_id=workspace_id, after=after, limit=limit, search=search, state=state)
    return [_row(record) for record in records]


async def live(tx: Tx, workspace_id: int) -> list[LiveRow]:
    """Return what is in force."""
    return [LiveRow(**dict(record)) for record in await tx.fetch(_LIVE, workspace_id=workspace_id)]


async def all_versions(tx: Tx, workspace_id: int) -> list[LiveRow]:
    """Return the newest and the live version of every segment, to look for references."""
    return [LiveRow(**dict(record)) for record in await tx.fetch(_ALL, workspace_id=workspace_id)]


async def add(
    tx: Tx,
    workspace_id: int,
    *,
    segment_id: UUID,
    key: str | None,
    name: str,
    state: str,
    definition: str,
    now: datetime,
) -> bool:
    """Add a segment with its first version; False when the key is taken."""
    added = await tx.execute(
        _ADD, workspace_id=workspace_id, segment_id=segment_id, key=key, name=name, state=state, now=now
    )
    if added:
        published_at = now if state == "live" else None
        await add_version(
            tx,
            workspace_id,
            segment_id=segment_id,
            version=1,
            definition=definition,
            now=now,
            published_at=published_at,
        )
    return bool(added)


async def add_version(
    tx: Tx,
    workspace_id: int,
    *,
    segment_id: UUID,
    version: int,
    definition: str,
    now: datetime,
    published_at: datetime | None,
) -> None:
    """Add a version."""
    await tx.execute(
        _ADD_VERSION,
        workspace_id=workspace_id,
        segment_id=segment_id,
        version=version,
        definition=definition,
        now=now,
        published_at=published_at,
    )


async def update(
    tx: Tx, workspace_id: int, *, segment_id: UUID, name: str, state: str, version: int, now: datetime
) -> None:
    """Change a segment."""
    await tx.execute(
        _UPDATE, workspace_id=workspace_id, segment_id=segment_id, name=name, state=state, version=version, now=now
    )
    if state == "live":
        await tx.execute(_PUBLISHED, workspace_id=workspace_id, segment_id=segment_id, version=version, now=now)


async def named(tx: Tx, workspace_id: int, segment_ids: Sequence[UUID]) -> list[NamedRow]:
    """Return the names of those of the segments that exist."""
    rows = await tx.fetch(_NAMED, workspace_id=workspace_id, segment_ids=list(segment_ids))
    return [NamedRow(row["segment_id"], row["name"]) for row in rows]


async def described(tx: Tx, workspace_id: int, segment_ids: Collection[UUID]) -> dict[UUID, DescribedRow]:
    """Return what those of the segments that exist are."""
    rows = await tx.fetch(_DESCRIBED, workspace_id=workspace_id, segment_ids=list(segment_ids))
    return {row["segment_id"]: DescribedRow(**dict(row)) for row in rows}


async def freeze(tx: Tx, workspace_id: int, *, source: UUID, target: UUID) -> None:
    """Put a snapshot in force, with the size of what it was taken of."""
    await tx.execute(_FREEZE, workspace_id=workspace_id, source=source, target=target)


async def delete(tx: Tx, workspace_id: int, segment_id: UUID) -> None:
    """Delete a segment with all that hangs on it but its members."""
    for each in _DELETE_REST:
        await tx.execute(each, workspace_id=workspace_id, segment_id=segment_id)
    await tx.execute(_DELETE, workspace_id=workspace_id, segment_id=segment_id)
