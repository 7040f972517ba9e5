"""Whether the segments a journey names exist, and its conditions are some, asked of the segment service."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from libs.common.errors import FieldError, Invalid, NotFound
from libs.common.http.peers import Peers
from services.journey.domain.graph import Graph


class SegmentAnswer(msgspec.Struct):
    """A segment exists."""

    segment_id: UUID


class _Membership(msgspec.Struct):
    person_nos: list[int]


async def check_references(peers: Peers, workspace_id: int, graph: Graph) -> None:
    """Raise Invalid with a pointer to every segment that is unknown, and into every condition that is none."""
    errors = [
        FieldError(pointer=pointer, detail=f"there is no segment `{segment}`", code="unknown_segment")
        for pointer, segment in graph.segments()
        if not await _exists(peers, workspace_id, segment)
    ]
    for pointer, condition in graph.conditions():
        errors += await _faults(peers, workspace_id, pointer, condition)
    if errors:
        raise Invalid("the journey names segments that do not exist, or asks what is no condition", errors=errors)


async def _faults(peers: Peers, workspace_id: int, pointer: str, condition: Mapping[str, Any]) -> list[FieldError]:
    body = {"condition": condition, "person_nos": []}
    try:
        await peers.post("segment", "/v1/segment/questions/membership", workspace_id, body, _Membership)
    except Invalid as refused:
        told = refused.errors or [FieldError("/condition", refused.detail, "invalid_condition")]
        return [FieldError(pointer + one.pointer.removeprefix("/condition"), one.detail, one.code) for one in told]
    return []


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
