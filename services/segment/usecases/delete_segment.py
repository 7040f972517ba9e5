"""Delete a segment that nobody refers to."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import Conflict
from services.segment.domain.dependent import NamedIn
from services.segment.store import departures, memberships, segments
from services.segment.usecases.list_references import list_dependents
from services.segment.usecases.load_segment import load_segment


async def delete_segment(
    tx: Tx, *, workspace_id: int, segment_id: UUID, named: Sequence[NamedIn], now: datetime
) -> None:
    """Delete a segment nothing refers to; the members of a live one are told in the rounds that follow.

    `named` is what names it in other services. Raises Conflict that lists who refers to it.
    """
    await segments.hold_references(tx, workspace_id)
    row = await load_segment(tx, workspace_id=workspace_id, segment_id=segment_id, lock=True)
    dependents = await list_dependents(tx, workspace_id=workspace_id, segment_id=segment_id)
    refer = [*(f"segment {other}" for other in dependents), *(one.told() for one in named)]
    if refer:
        raise Conflict(f"it is referred to by {len(refer)}: {', '.join(refer[:10])}; change or stop these first")
    if row.state in ("live", "paused") and row.live_version is not None:
        await departures.depart(tx, workspace_id, segment_id=segment_id, version=row.live_version, now=now)
    else:
        await memberships.forget_members(tx, workspace_id, segment_id)
    await segments.delete(tx, workspace_id, segment_id)
    await memberships.disturb(tx, workspace_id)
