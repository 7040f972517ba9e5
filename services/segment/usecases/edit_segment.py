"""Change or publish a segment."""

from dataclasses import dataclass
from datetime import datetime

from libs.common.db import Tx
from libs.common.errors import Conflict
from services.segment.store import segments
from services.segment.store.recomputes import ask_recompute
from services.segment.store.segments import SegmentRow
from services.segment.store.worlds import definition_text
from services.segment.usecases.load_segment import load_segment


@dataclass(frozen=True)
class Edit:
    """What of a segment is to be changed; absent parts stay."""

    name: str | None = None
    state: str | None = None
    definition: object | None = None


async def edit_segment(tx: Tx, *, workspace_id: int, row: SegmentRow, edit: Edit, now: datetime) -> SegmentRow:
    """Change a segment; another definition is a new version, and the old one answers until the new is computed."""
    if row.state == "frozen" and (edit.definition is not None or edit.state is not None):
        raise Conflict("a snapshot stays as it is; only its name changes")
    if row.state == "live" and edit.state == "draft":
        raise Conflict("a live segment does not become a draft; delete it, or make another one")
    text = row.definition if edit.definition is None else definition_text(edit.definition)
    version = row.version
    if text != row.definition:
        version += 1
        await segments.add_version(
            tx,
            workspace_id,
            segment_id=row.segment_id,
            version=version,
            definition=text,
            now=now,
            published_at=None,
        )
    state = edit.state or row.state
    await segments.update(
        tx,
        workspace_id,
        segment_id=row.segment_id,
        name=edit.name or row.name,
        state=state,
        version=version,
        now=now,
    )
    if state == "live" and version != row.live_version:
        cause = "backfill" if row.live_version is None else "edit"
        await ask_recompute(tx, workspace_id, segment_id=row.segment_id, version=version, cause=cause)
    return await load_segment(tx, workspace_id=workspace_id, segment_id=row.segment_id)
