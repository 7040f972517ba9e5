"""Journeys, their drafts and published versions."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from libs.common.db import Tx, statement
from services.journey.domain.advance import JourneyStatus


class JourneyRow(NamedTuple):
    """A journey as its author sees it; `version` 0 means never published."""

    journey_id: UUID
    name: str
    status: JourneyStatus
    draft: dict[str, Any]
    version: int
    created_at: datetime
    changed_at: datetime


class VersionRow(NamedTuple):
    """A published version."""

    version: int
    definition: dict[str, Any]
    inside: str
    published_at: datetime
    published_by: str


_COLUMNS = "journey_id, name, status, draft, version, created_at, changed_at"
_INSERT = statement("""
    insert into journey (workspace_id, journey_id, name, draft, created_at, changed_at)
    values (:workspace_id, :journey_id, :name, :draft, :now, :now)
""")
_ONE = f"select {_COLUMNS} from journey where workspace_id = :workspace_id and journey_id = :journey_id"
_GET, _LOCK = statement(_ONE), statement(_ONE + " for update")
_LIST = statement(f"""
    select {_COLUMNS} from journey
    where workspace_id = :workspace_id and (:before::uuid is null or journey_id < :before)
    order by journey_id desc limit :limit
""")
# an id stands in a definition as text, in capitals or not, wherever a segment is named
_NAMING = statement(f"""
    select {_COLUMNS} from journey j
    where workspace_id = :workspace_id and status <> 'stopped' and (:before::uuid is null or journey_id < :before)
      and (strpos(lower(draft::text), :segment) > 0 or exists (
        select from journey_version v
        where v.workspace_id = j.workspace_id and v.journey_id = j.journey_id
          and strpos(lower(v.definition::text), :segment) > 0
          and (v.version = j.version or exists (
            select from run r where r.journey_id = v.journey_id and r.version = v.version and r.live
          ))
      ))
    order by journey_id desc limit :limit
""")
_SAVE = statement("""
    update journey set name = :name, status = :status, draft = :draft, version = :version, changed_at = :now
    where workspace_id = :workspace_id and journey_id = :journey_id
""")
_ADD_VERSION = statement("""
    insert into journey_version
        (workspace_id, journey_id, version, definition, moves, inside, published_at, published_by)
    values (:workspace_id, :journey_id, :version, :definition, :moves, :inside, :now, :published_by)
""")
_VERSIONS = statement("""
    select version, definition, inside, published_at, published_by from journey_version
    where workspace_id = :workspace_id and journey_id = :journey_id order by version
""")
_BUMP = statement("""
    insert into revision (workspace_id, revision) values (:workspace_id, 1)
    on conflict (workspace_id) do update set revision = revision.revision + 1
""")


async def insert_journey(
    tx: Tx, *, workspace_id: int, journey_id: UUID, name: str, draft: dict[str, Any], now: datetime
) -> None:
    """Add a draft."""
    await tx.execute(_INSERT, workspace_id=workspace_id, journey_id=journey_id, name=name, draft=draft, now=now)


async def get_journey(tx: Tx, *, workspace_id: int, journey_id: UUID, lock: bool = False) -> JourneyRow | None:
    """Return a journey; `lock` keeps others from changing it until the transaction ends."""
    row = await tx.fetch_one(_LOCK if lock else _GET, workspace_id=workspace_id, journey_id=journey_id)
    return JourneyRow(*row) if row else None


async def list_journeys(tx: Tx, *, workspace_id: int, limit: int, before: UUID | None) -> list[JourneyRow]:
    """Return journeys, youngest first."""
    rows = await tx.fetch(_LIST, workspace_id=workspace_id, limit=limit, before=before)
    return [JourneyRow(*row) for row in rows]


async def list_naming(
    tx: Tx, *, workspace_id: int, segment_id: UUID, limit: int, before: UUID | None
) -> list[JourneyRow]:
    """Return journeys, youngest first, whose draft, present version or one that people are in names a segment.

    Stopped ones name nothing any more.
    """
    rows = await tx.fetch(_NAMING, workspace_id=workspace_id, segment=str(segment_id), limit=limit, before=before)
    return [JourneyRow(*row) for row in rows]


async def save_journey(tx: Tx, *, workspace_id: int, journey: JourneyRow, now: datetime) -> None:
    """Write a journey back and let every process know that what it listens to may have changed."""
    await tx.execute(
        _SAVE, workspace_id=workspace_id, journey_id=journey.journey_id, name=journey.name, status=journey.status,
        draft=journey.draft, version=journey.version, now=now,
    )  # fmt: skip
    await tx.execute(_BUMP, workspace_id=workspace_id)


async def insert_version(
    tx: Tx, *, workspace_id: int, journey_id: UUID, version: int, definition: dict[str, Any], moves: dict[str, Any],
    inside: str, published_by: str, now: datetime,
) -> None:  # fmt: skip
    """Add an immutable version."""
    await tx.execute(
        _ADD_VERSION, workspace_id=workspace_id, journey_id=journey_id, version=version, definition=definition,
        moves=moves, inside=inside, published_by=published_by, now=now,
    )  # fmt: skip


async def list_versions(tx: Tx, *, workspace_id: int, journey_id: UUID) -> list[VersionRow]:
    """Return all versions, oldest first."""
    rows = await tx.fetch(_VERSIONS, workspace_id=workspace_id, journey_id=journey_id)
    return [VersionRow(*row) for row in rows]
