"""A segment of the workspace, or NotFound."""

from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import NotFound
from services.segment.store import segments
from services.segment.store.segments import SegmentRow


async def load_segment(tx: Tx, *, workspace_id: int, segment_id: UUID, lock: bool = False) -> SegmentRow:
    """Return a segment; raises NotFound."""
    row = await segments.one(tx, workspace_id, segment_id, lock=lock)
    if row is None:
        raise NotFound("there is no such segment")
    return row
