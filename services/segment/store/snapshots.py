"""Whom snapshots were taken of, and paused segments had, in chunks as members are: no merge changes it, erasures do."""

from collections.abc import Iterable
from uuid import UUID

from pyroaring import BitMap

from libs.common.db import Tx, statement

_TAKEN = statement("select segment_id, bitmap from segment.snapshot_chunk where workspace_id = :workspace_id")
_TAKE = statement(
    """
    insert into segment.snapshot_chunk (workspace_id, segment_id, chunk, bitmap)
    with kept as (
        select segment_id, chunk, bitmap from segment.snapshot_chunk
        where workspace_id = :workspace_id::int and segment_id in (:source::uuid, :target::uuid)
    )
    select :workspace_id::int, :target::uuid, chunk, bitmap from kept
    where segment_id = :source::uuid and not exists (select from kept where segment_id = :target::uuid)
    union all
    select workspace_id, :target::uuid, chunk, bitmap from segment.membership_chunk
    where workspace_id = :workspace_id::int and segment_id = :source::uuid and not exists (select from kept)
    """
)
_FORGET = statement(
    "delete from segment.snapshot_chunk where workspace_id = :workspace_id and segment_id = :segment_id"
)
_KEEP = statement(
    """
    update segment.snapshot_chunk as known set bitmap = given.bitmap
    from unnest(:segment_ids::uuid[], :chunks::int[], :bitmaps::bytea[]) as given (segment_id, chunk, bitmap)
    where known.workspace_id = :workspace_id::int and known.segment_id = given.segment_id and known.chunk = given.chunk
    """
)


async def taken(tx: Tx, workspace_id: int) -> dict[UUID, BitMap]:
    """Return whom each snapshot was taken of, and each paused segment had when it was paused."""
    found: dict[UUID, BitMap] = {}
    for row in await tx.fetch(_TAKEN, workspace_id=workspace_id):
        found.setdefault(row["segment_id"], BitMap()).update(BitMap.deserialize(row["bitmap"]))
    return found


async def take(tx: Tx, workspace_id: int, *, source: UUID, target: UUID) -> None:
    """Let a segment be kept with the members another one (or it itself) has; of one that is kept, with whom that is.

    One that is kept already stays so: paused, resumed and paused again before anybody was asked.
    """
    await tx.execute(_TAKE, workspace_id=workspace_id, source=source, target=target)


async def forget(tx: Tx, workspace_id: int, segment_id: UUID) -> None:
    """Forget whom a segment was kept with: its definition says who its members are."""
    await tx.execute(_FORGET, workspace_id=workspace_id, segment_id=segment_id)


async def keep(tx: Tx, workspace_id: int, chunks: Iterable[tuple[UUID, int, BitMap]]) -> None:
    """Write the chunks (segment, number, of whom it was taken) that an erasure changed."""
    listed = list(chunks)
    await tx.execute(
        _KEEP,
        workspace_id=workspace_id,
        segment_ids=[segment_id for segment_id, _, _ in listed],
        chunks=[number for _, number, _ in listed],
        bitmaps=[persons.serialize() for _, _, persons in listed],
    )
