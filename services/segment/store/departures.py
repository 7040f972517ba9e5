"""Deleted segments whose members are still to be told that they exited."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pyroaring import BitMap

from libs.common.db import Tx, statement

CHUNKS_AT_ONCE = 4
"""A page: where everybody is a member 16,384 persons, told in under a second; rounds go on between two pages."""

_DEPART = statement(
    """
    insert into segment.departure (workspace_id, segment_id, version, deleted_at)
    values (:workspace_id, :segment_id, :version, :now)
    """
)
_FIRST = statement(
    """
    select segment_id, version, deleted_at from segment.departure
    where workspace_id = :workspace_id order by deleted_at, segment_id limit 1 for update
    """
)
_PAGE = statement(
    """
    delete from segment.membership_chunk as leaving
    where workspace_id = :workspace_id::int and segment_id = :segment_id::uuid and chunk in (
        select chunk from segment.membership_chunk
        where workspace_id = :workspace_id::int and segment_id = :segment_id::uuid
        order by chunk limit :most
    )
    returning chunk, bitmap
    """
)
_DEPARTED = (
    statement(
        "delete from segment.membership_sequence where workspace_id = :workspace_id and segment_id = :segment_id"
    ),
    statement("delete from segment.departure where workspace_id = :workspace_id and segment_id = :segment_id"),
)
_OPEN = statement("select count(*) from segment.departure where workspace_id = :workspace_id")


@dataclass(frozen=True)
class Departure:
    """A segment that is deleted: the version that was in force, and when."""

    segment_id: UUID
    version: int
    deleted_at: datetime


async def depart(tx: Tx, workspace_id: int, *, segment_id: UUID, version: int, now: datetime) -> None:
    """Let the members of a segment that is deleted be told; its chunks and sequences stay until they are."""
    await tx.execute(_DEPART, workspace_id=workspace_id, segment_id=segment_id, version=version, now=now)


async def first(tx: Tx, workspace_id: int) -> Departure | None:
    """Return the oldest, held until the transaction ends."""
    record = await tx.fetch_one(_FIRST, workspace_id=workspace_id)
    return Departure(**dict(record)) if record else None


async def take_page(tx: Tx, workspace_id: int, segment_id: UUID) -> BitMap:
    """Return the members of the next chunks, which go; nobody when all have gone."""
    rows = await tx.fetch(_PAGE, workspace_id=workspace_id, segment_id=segment_id, most=CHUNKS_AT_ONCE)
    return BitMap.union(BitMap(), *(BitMap.deserialize(row["bitmap"]) for row in rows))


async def departed(tx: Tx, workspace_id: int, segment_id: UUID) -> None:
    """Forget a segment whose members were all told."""
    for each in _DEPARTED:
        await tx.execute(each, workspace_id=workspace_id, segment_id=segment_id)


async def open_departures(tx: Tx, workspace_id: int) -> int:
    """Return of how many deleted segments somebody is still to be told."""
    return int(await tx.fetch_value(_OPEN, workspace_id=workspace_id))
