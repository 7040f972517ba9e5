"""Ask for a segment again whose hand-made lists changed."""

from libs.common.db import Tx
from services.segment.store.recomputes import ask_recompute
from services.segment.store.segments import SegmentRow


async def recompute_listed(tx: Tx, *, workspace_id: int, row: SegmentRow) -> None:
    """Let the engine compute the version in force, or the newer one that is being computed; a draft has neither."""
    if row.state == "live":
        cause = "backfill" if row.live_version is None else "manual"
        await ask_recompute(tx, workspace_id, segment_id=row.segment_id, version=row.version, cause=cause)
