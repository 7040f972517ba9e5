"""Whom snapshots were taken of, in chunks as members are: no merge changes it, an erasure does."""

from collections.abc import Iterable
from uuid import UUID

from pyroaring import BitMap

from libs.common.db import Tx, statement

_TAKEN = statement("select segment_id, bitmap from segment.snapshot_chunk where workspace_id = :workspace_id")
_TAKE = statement(
    """
    insert into segment.snapshot_chunk (workspace_id, segment_id, chunk, bitmap)
    select workspace_id, :target::uuid, chunk, bitmap from segment.membership_chunk
    where workspace_id = :workspace_id and segment_id = :source
    """
)
_TAKE_AGAIN = statement(
    """
    insert into segment.snapshot_chunk (workspace_id, segment_id, chunk, bitmap)
    select workspace_id, :target::uuid, chunk, bitmap from segment.snapshot_chunk
    where workspace_id = :workspace_id and segment_id = :source
    """
)
_KEEP = statement(
    """
    update segment.snapshot_chunk as known set bitmap = given.bitmap
    from unnest(:segment_ids::uuid[], :chunks::int[], :bitmaps::bytea[]) as given (segment_id, chunk, bitmap)
    where known.workspace_id = :workspace_id::int and known.segment_id = given.segment_id and known.chunk = given.chunk
    """
)


async def taken(tx: Tx, workspace_id: int) -> dict[UUID, BitMap]:
    """Return whom each snapshot was taken of."""
    found: dict[UUID, BitMap] = {}
    for row in await tx.fetch(_TAKEN, workspace_id=workspace_id):
        found.setdefault(row["segment_id"], BitMap()).update(BitMap.deserialize(row["bitmap"]))
    return found


async def take(tx: Tx, workspace_id: int, *, source: UUID, target: UUID, of_snapshot: bool) -> None:
    """Let a snapshot be of the members another segment has; of another snapshot's, of whom that was taken of."""
    await tx.execute(_TAKE_AGAIN if of_snapshot else _TAKE, workspace_id=workspace_id, source=source, target=target)


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
