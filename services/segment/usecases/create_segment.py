"""Make a segment."""

from datetime import datetime

from libs.common.db import Tx
from libs.common.errors import Conflict
from libs.common.ids import new_id
from services.segment.store import segments
from services.segment.store.recomputes import ask_recompute
from services.segment.store.segments import SegmentRow
from services.segment.store.worlds import definition_text
from services.segment.usecases.load_segment import load_segment


async def create_segment(
    tx: Tx, *, workspace_id: int, key: str | None, name: str, state: str, definition: object, now: datetime
) -> SegmentRow:
    """Make a segment; a live one is computed for everybody by the engine."""
    segment_id = new_id()
    text = definition_text(definition)
    if not await segments.add(
        tx, workspace_id, segment_id=segment_id, key=key, name=name, state=state, definition=text, now=now
    ):
        raise Conflict(f"there is a segment with the key {key!r}")
    if state == "live":
        await ask_recompute(tx, workspace_id, segment_id=segment_id, version=1, cause="backfill")
    return await load_segment(tx, workspace_id=workspace_id, segment_id=segment_id)
