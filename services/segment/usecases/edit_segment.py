"""Change or publish a segment."""

from dataclasses import dataclass
from datetime import datetime

from libs.common.db import Tx
from libs.common.errors import Conflict
from services.segment.store import memberships, recomputes, segments, snapshots
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
    """Change a segment; another definition is a new version, and the old one answers until the new is computed.

    A paused one keeps its members, whoever they become by merges, until it is live again: then it is computed for
    everybody, and who changed meanwhile is told (cause `reconcile`, or `edit` where it was edited).
    """
    if row.state == "frozen" and (edit.definition is not None or edit.state is not None):
        raise Conflict("a snapshot stays as it is; only its name changes")
    if row.state in ("live", "paused") and edit.state == "draft":
        raise Conflict(f"a {row.state} segment does not become a draft; delete it, or make another one")
    if row.state == "draft" and edit.state == "paused":
        raise Conflict("a draft has no members that could stay as they are: publish it first")
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
    if state != row.state and "paused" in (state, row.state):
        # a round that is under way has another picture, and what it settled before is read from here on
        await memberships.disturb(tx, workspace_id)
    if state == "paused" != row.state:
        await recomputes.forget(tx, workspace_id, row.segment_id)
        await snapshots.take(tx, workspace_id, source=row.segment_id, target=row.segment_id)
    if state == "live" and (version != row.live_version or row.state == "paused"):
        cause = "backfill" if row.live_version is None else "edit" if version != row.live_version else "reconcile"
        await recomputes.ask_recompute(tx, workspace_id, segment_id=row.segment_id, version=version, cause=cause)
    return await load_segment(tx, workspace_id=workspace_id, segment_id=row.segment_id)
