"""Snapshots, and what is paused, forget that they are kept with somebody who is erased."""

from pyroaring import BitMap

from libs.common.db import Tx
from services.segment.domain.world import World, chunk_of, chunks_of
from services.segment.store import snapshots


async def forget_taken(tx: Tx, world: World, erased: BitMap) -> None:
    """Take the erased out of all that are kept with them, in the store and in the picture in memory."""
    chunks = []
    for segment in world.kept:
        leaving = segment.taken & erased
        segment.taken -= leaving
        chunks += [(segment.segment_id, number, chunk_of(segment.taken, number)) for number in chunks_of(leaving)]
    if chunks:
        await snapshots.keep(tx, world.workspace_id, chunks)
