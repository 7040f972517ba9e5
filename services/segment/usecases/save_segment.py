"""Make, change, publish and delete segments."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import Conflict, NotFound
from libs.common.ids import new_id
from services.segment.store import manual_lists, memberships, segments
from services.segment.store.recomputes import ask_recompute
from services.segment.store.segments import SegmentRow
from services.segment.store.worlds import definition_text
from services.segment.usecases.check_definition import references


@dataclass(frozen=True)
class Edit:
    """What of a segment is to be changed; absent parts stay."""

    name: str | None = None
    state: str | None = None
    definition: object | None = None


async def load_segment(tx: Tx, *, workspace_id: int, segment_id: UUID, lock: bool = False) -> SegmentRow:
    """Return a segment; raises NotFound."""
    row = await segments.one(tx, workspace_id, segment_id, lock=lock)
    if row is None:
        raise NotFound("there is no such segment")
    return row


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


async def edit_segment(tx: Tx, *, workspace_id: int, row: SegmentRow, edit: Edit, now: datetime) -> SegmentRow:
    """Change a segment; another definition is a new version, and the old one answers until the new is computed."""
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


async def delete_segment(tx: Tx, *, workspace_id: int, segment_id: UUID) -> None:
    """Delete a segment nobody refers to."""
    await load_segment(tx, workspace_id=workspace_id, segment_id=segment_id, lock=True)
    dependents = await dependents_of(tx, workspace_id=workspace_id, segment_id=segment_id)
    if dependents:
        raise Conflict(f"{len(dependents)} segments refer to it: {', '.join(map(str, dependents[:10]))}")
    await segments.delete(tx, workspace_id, segment_id)
    await memberships.disturb(tx, workspace_id)


async def dependents_of(tx: Tx, *, workspace_id: int, segment_id: UUID) -> list[UUID]:
    """Return the segments that refer to a segment."""
    refers = await references(tx, workspace_id)
    return sorted(other for other, referred in refers.items() if segment_id in referred)


async def set_lists(tx: Tx, *, workspace_id: int, row: SegmentRow, included: list[int], excluded: list[int]) -> None:
    """Replace the hand-made lists; the engine computes the segment again."""
    await manual_lists.replace(tx, workspace_id, segment_id=row.segment_id, included=included, excluded=excluded)
    if row.state == "live":
        # the version in force, or the newer one that is being computed
        cause = "backfill" if row.live_version is None else "manual"
        await ask_recompute(tx, workspace_id, segment_id=row.segment_id, version=row.version, cause=cause)
