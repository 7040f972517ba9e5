"""Whether the segments a journey names exist, asked of the segment service."""

from uuid import UUID

import msgspec

from libs.common.errors import FieldError, Invalid, NotFound
from libs.common.http.peers import Peers
from services.journey.domain.graph import Graph


class SegmentAnswer(msgspec.Struct):
    """A segment exists."""

    segment_id: UUID


async def check_references(peers: Peers, workspace_id: int, graph: Graph) -> None:
    """Raise Invalid with a pointer to every segment that is unknown."""
    errors = [
        FieldError(pointer=pointer, detail=f"there is no segment `{segment}`", code="unknown_segment")
        for pointer, segment in graph.segments()
        if not await _exists(peers, workspace_id, segment)
    ]
    if errors:
        raise Invalid("the journey names segments that do not exist", errors=errors)


async def _exists(peers: Peers, workspace_id: int, segment: str) -> bool:
    try:
        segment_id = UUID(segment)
    except ValueError:
        return False
    try:
        await peers.get("segment", f"/v1/segment/segments/{segment_id}", workspace_id, SegmentAnswer)
    except NotFound:
        return False
    return True
