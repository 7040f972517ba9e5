"""Who a person is, asked of identity."""

from urllib.parse import urlencode
from uuid import UUID

import msgspec

from libs.common.errors import Gone, Invalid, NotFound
from libs.common.http.peers import Peers


class PersonAnswer(msgspec.Struct, frozen=True):
    """A person by his present id and number."""

    person_id: UUID
    person_no: int


class OwnerAnswer(msgspec.Struct, frozen=True):
    """The present owner of an identifier."""

    canonical_id: UUID


async def find_person(peers: Peers, workspace_id: int, person_id: UUID, pointer: str = "/person_id") -> PersonAnswer:
    """Return the person an id stands for now; raises Invalid for one that is nobody's."""
    try:
        return await peers.get("identity", f"/v1/identity/persons/{person_id}", workspace_id, PersonAnswer)
    except (NotFound, Gone) as problem:
        raise Invalid.at(pointer, "there is no such person", "unknown_person") from problem


async def find_by_identifier(peers: Peers, workspace_id: int, namespace: str, value: str) -> PersonAnswer:
    """Return the person who holds an identifier now; raises Invalid when nobody does."""
    query = urlencode({"namespace": namespace, "value": value})
    try:
        owner = await peers.get("profile", f"/v1/profile/persons?{query}", workspace_id, OwnerAnswer)
    except (NotFound, Gone) as problem:
        raise Invalid.at("/identifier", "nobody holds this identifier", "unknown_person") from problem
    return await find_person(peers, workspace_id, owner.canonical_id, "/identifier")
