"""Who names a segment outside this service: journeys and rules of tags, as their services tell."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from libs.common.http.peers import Peers
from services.segment.domain.dependent import NamedIn


class _Journey(msgspec.Struct):
    id: str
    name: str
    status: str


class _Tag(msgspec.Struct):
    tag: str


class _Journeys(msgspec.Struct):
    items: list[_Journey]
    next_cursor: str | None


class _Tags(msgspec.Struct):
    items: list[_Tag]
    next_cursor: str | None


_AT_ONCE = 100


async def name_dependents(peers: Peers, workspace_id: int, segment_id: UUID) -> list[NamedIn]:
    """Return the journeys (youngest first), then the tags (by name) that name a segment.

    Raises Unavailable where one of the two services does not answer.
    """
    journeys = await _all(peers, "journey", "/v1/journey/journeys", workspace_id, segment_id, _Journeys)
    tags = await _all(peers, "profile", "/v1/profile/tags", workspace_id, segment_id, _Tags)
    return [
        *(NamedIn("journey", one.id, one.name, one.status) for one in journeys),
        *(NamedIn("tag", one.tag, one.tag, "live") for one in tags),
    ]


async def _all(peers: Peers, peer: str, path: str, workspace_id: int, segment_id: UUID, answer: type[Any]) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        asked = {"segment": str(segment_id), "limit": _AT_ONCE, **({"cursor": cursor} if cursor else {})}
        page = await peers.get(peer, f"{path}?{urlencode(asked)}", workspace_id, answer)
        found += page.items
        cursor = page.next_cursor
    return found
