"""Replace a segment's hand-made lists."""

from libs.common.db import Tx
from libs.common.errors import Conflict
from services.segment.store import manual_lists
from services.segment.store.recomputes import ask_recompute
from services.segment.store.segments import SegmentRow


async def set_lists(tx: Tx, *, workspace_id: int, row: SegmentRow, included: list[int], excluded: list[int]) -> None:
    """Replace the hand-made lists; the engine computes the segment again."""
    if row.state == "frozen":
        raise Conflict("a snapshot stays as it is: it has no hand-made lists")
    await manual_lists.replace(tx, workspace_id, segment_id=row.segment_id, included=included, excluded=excluded)
    if row.state == "live":
        # the version in force, or the newer one that is being computed
        cause = "backfill" if row.live_version is None else "manual"
        await ask_recompute(tx, workspace_id, segment_id=row.segment_id, version=row.version, cause=cause)
