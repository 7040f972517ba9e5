"""Who a person is: asked of identity by id, of profile by an identifier."""

from uuid import UUID

import msgspec

from libs.common.errors import Invalid
from libs.common.http.peers import Peers

LOOKUP_PATH = "/v1/identity/persons/lookup"
OWNER_PATH = "/v1/profile/persons/lookup"


class PersonAnswer(msgspec.Struct, frozen=True):
    """A person by his present id and number, and the number of the id that was asked for."""

    person_id: UUID
    person_no: int
    asked_no: int


class _LookedUp(msgspec.Struct, frozen=True):
    person_no: int
    canonical_no: int | None
    canonical_id: UUID | None


class _Lookup(msgspec.Struct, frozen=True):
    items: list[_LookedUp]


class _Owner(msgspec.Struct, frozen=True):
    canonical_id: UUID


class _Owners(msgspec.Struct, frozen=True):
    items: list[_Owner]


async def find_person(peers: Peers, workspace_id: int, person_id: UUID, pointer: str = "/person_id") -> PersonAnswer:
    """Return the person an id stands for now; raises Invalid for one that is nobody's (any more)."""
    found = await peers.post("identity", LOOKUP_PATH, workspace_id, {"person_ids": [person_id]}, _Lookup)
    for one in found.items:
        if one.canonical_no is not None and one.canonical_id is not None:
            return PersonAnswer(one.canonical_id, one.canonical_no, one.person_no)
    raise Invalid.at(pointer, "there is no such person", "unknown_person")


async def find_by_identifier(peers: Peers, workspace_id: int, namespace: str, value: str) -> PersonAnswer:
    """Return the person who holds an identifier now; raises Invalid when nobody does."""
    # A POST, so that no address stands in a URL.
    body = {"identifiers": [{"namespace": namespace, "value": value}], "traits": []}
    try:
        owners = await peers.post("profile", OWNER_PATH, workspace_id, body, _Owners)
    except Invalid as problem:
        raise Invalid.at("/identifier", problem.detail, "not_an_identifier") from problem
    if not owners.items:
        raise Invalid.at("/identifier", "nobody holds this identifier", "unknown_person")
    return await find_person(peers, workspace_id, owners.items[0].canonical_id, "/identifier")
