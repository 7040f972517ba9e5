"""Who a person is, asked of identity."""

from uuid import UUID

import msgspec

from libs.common.errors import Invalid, NotFound
from libs.common.http.peers import Peers


class PersonAnswer(msgspec.Struct, frozen=True):
    """A person by his present id and number."""

    person_id: UUID
    person_no: int


async def find_person(peers: Peers, workspace_id: int, person_id: UUID, pointer: str = "/person_id") -> PersonAnswer:
    """Return the person an id stands for now; raises Invalid for one that is nobody's."""
    try:
        return await peers.get("identity", f"/v1/identity/persons/{person_id}", workspace_id, PersonAnswer)
    except NotFound as problem:
        raise Invalid.at(pointer, "there is no such person", "unknown_person") from problem


async def find_by_identifier(peers: Peers, workspace_id: int, namespace: str, value: str) -> PersonAnswer:
    """Return the person who holds an identifier now; raises Invalid when nobody does."""
    body = {"identifiers": [{"namespace": namespace, "value": value}]}
    found = await peers.post("identity", "/v1/identity/persons/resolve", workspace_id, body, _Resolved)
    if not found.persons or found.persons[0] is None:
        raise Invalid.at("/identifier", "nobody holds this identifier", "unknown_person")
    return found.persons[0]


class _Resolved(msgspec.Struct, frozen=True):
    persons: list[PersonAnswer | None]
