"""Who a person is, asked of identity."""

from uuid import UUID

import msgspec

from libs.common.errors import Invalid, NotFound
from libs.common.http.peers import Peers


class PersonAnswer(msgspec.Struct):
    """A person by his present id and number."""

    person_id: UUID
    person_no: int


async def find_person(peers: Peers, workspace_id: int, person_id: UUID) -> PersonAnswer:
    """Return the person an id stands for now; raises Invalid for one that is nobody's."""
    try:
        return await peers.get("identity", f"/v1/identity/persons/{person_id}", workspace_id, PersonAnswer)
    except NotFound as problem:
        raise Invalid.at("/person_id", "there is no such person", "unknown_person") from problem
