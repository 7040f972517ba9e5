"""Which segments refer to which."""

from uuid import UUID

from libs.common.db import Tx
from services.segment.domain.fault import InvalidDefinition
from services.segment.store import segments
from services.segment.store.worlds import definition_of


async def list_references(tx: Tx, workspace_id: int) -> dict[UUID, set[UUID]]:
    """Return, per segment, the segments its newest or its live version refers to."""
    found: dict[UUID, set[UUID]] = {}
    for row in await segments.all_versions(tx, workspace_id):
        known = found.setdefault(row.segment_id, set())
        try:
            known |= definition_of(row.definition).concerns().segments
        except InvalidDefinition:
            continue  # a draft may be unfinished
    return found


async def list_dependents(tx: Tx, *, workspace_id: int, segment_id: UUID) -> list[UUID]:
    """Return the segments that refer to a segment."""
    refers = await list_references(tx, workspace_id)
    return sorted(other for other, referred in refers.items() if segment_id in referred)
