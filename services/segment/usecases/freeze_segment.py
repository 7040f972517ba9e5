"""A snapshot: a segment of its own with the members another one has now, which no definition changes."""

from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import Conflict
from libs.common.ids import new_id
from services.segment.store import memberships, segments, snapshots
from services.segment.store.memberships import Resized
from services.segment.store.segments import SegmentRow
from services.segment.store.worlds import definition_text
from services.segment.usecases.load_segment import load_segment


async def freeze_segment(
    tx: Tx, *, workspace_id: int, row: SegmentRow, key: str | None, name: str, now: datetime
) -> SegmentRow:
    """Keep the members of a segment as they are now; who was merged is his survivor, who is erased is gone."""
    if row.live_version is None:
        raise Conflict("the segment has no members yet: publish it first")
    # a round that is being settled may write members: what is copied has it, or the round is done again
    await memberships.disturb(tx, workspace_id)
    segment_id: UUID = new_id()
    if not await segments.add(
        tx,
        workspace_id,
        segment_id=segment_id,
        key=key,
        name=name,
        state="frozen",
        definition=definition_text({"manual_only": True}),
        now=now,
    ):
        raise Conflict(f"there is a segment with the key {key!r}")
    await memberships.copy_chunks(tx, workspace_id, source=row.segment_id, target=segment_id)
    await snapshots.take(tx, workspace_id, source=row.segment_id, target=segment_id)
    await segments.freeze(tx, workspace_id, source=row.segment_id, target=segment_id)
    frozen = await load_segment(tx, workspace_id=workspace_id, segment_id=segment_id)
    await memberships.save_sizes(tx, workspace_id, [Resized(segment_id, 1, frozen.size, frozen.size, 0)], at=now)
    return frozen
