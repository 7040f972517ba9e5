"""Who a person is, asked of identity."""

from urllib.parse import urlencode
from uuid import UUID

import msgspec

from libs.common.errors import Gone, Invalid, NotFound
from libs.common.http.peers import Peers

LOOKUP_PATH = "/v1/identity/persons/lookup"
OWNER_PATH = "/v1/identity/persons/by-identifier"


class PersonAnswer(msgspec.Struct, frozen=True):
    """A person by his present id and number."""

    person_id: UUID
    person_no: int


class _LookedUp(msgspec.Struct, frozen=True):
    canonical_no: int | None
    canonical_id: UUID | None


class _Lookup(msgspec.Struct, frozen=True):
    items: list[_LookedUp]


class _Owner(msgspec.Struct, frozen=True):
    canonical_id: UUID


async def find_person(peers: Peers, workspace_id: int, person_id: UUID, pointer: str = "/person_id") -> PersonAnswer:
    """Return the person an id stands for now; raises Invalid for one that is nobody's (any more)."""
    found = await peers.post("identity", LOOKUP_PATH, workspace_id, {"person_ids": [person_id]}, _Lookup)
    for one in found.items:
        if one.canonical_no is not None and one.canonical_id is not None:
            return PersonAnswer(one.canonical_id, one.canonical_no)
    raise Invalid.at(pointer, "there is no such person", "unknown_person")


async def find_by_identifier(peers: Peers, workspace_id: int, namespace: str, value: str) -> PersonAnswer:
    """Return the person who holds an identifier now; raises Invalid when nobody does."""
    query = urlencode({"namespace": namespace, "value": value})
    try:
        owner = await peers.get("identity", f"{OWNER_PATH}?{query}", workspace_id, _Owner)
    except (NotFound, Gone, Invalid) as problem:
        raise Invalid.at("/identifier", "nobody holds this identifier", "unknown_person") from problem
    return await find_person(peers, workspace_id, owner.canonical_id, "/identifier")
