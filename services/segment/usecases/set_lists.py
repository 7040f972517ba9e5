"""Replace a segment's hand-made lists."""

from libs.common.db import Tx
from services.segment.store import manual_lists
from services.segment.store.segments import SegmentRow
from services.segment.usecases.check_listed import check_listed
from services.segment.usecases.recompute_listed import recompute_listed


async def set_lists(tx: Tx, *, workspace_id: int, row: SegmentRow, included: list[int], excluded: list[int]) -> None:
    """Replace the hand-made lists; the engine computes the segment again. Raises Conflict or Invalid."""
    await check_listed(tx, workspace_id=workspace_id, row=row, lists={"include": included, "exclude": excluded})
    await manual_lists.replace(tx, workspace_id, segment_id=row.segment_id, included=included, excluded=excluded)
    await recompute_listed(tx, workspace_id=workspace_id, row=row)
