"""Delete a segment that nobody refers to."""

from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import Conflict
from services.segment.store import memberships, segments
from services.segment.usecases.list_references import list_dependents
from services.segment.usecases.load_segment import load_segment


async def delete_segment(tx: Tx, *, workspace_id: int, segment_id: UUID) -> None:
    """Delete a segment nobody refers to."""
    await segments.hold_references(tx, workspace_id)
    await load_segment(tx, workspace_id=workspace_id, segment_id=segment_id, lock=True)
    dependents = await list_dependents(tx, workspace_id=workspace_id, segment_id=segment_id)
    if dependents:
        raise Conflict(f"{len(dependents)} segments refer to it: {', '.join(map(str, dependents[:10]))}")
    await segments.delete(tx, workspace_id, segment_id)
    await memberships.disturb(tx, workspace_id)
