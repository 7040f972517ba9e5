"""Who a person is, asked of identity."""

from uuid import UUID

import msgspec

from libs.common.errors import Invalid
from libs.common.http.peers import Peers


class PersonFound(msgspec.Struct):
    """A person as asked for, and who he is now; nobody, once erased."""

    canonical_no: int | None
    canonical_id: UUID | None


class PersonsFound(msgspec.Struct):
    """Those asked for that exist."""

    items: list[PersonFound]


async def find_person(peers: Peers, workspace_id: int, person_id: UUID) -> tuple[int, UUID]:
    """Return number and id of the person an id stands for now; raises Invalid for one that is nobody's."""
    asked = {"person_ids": [person_id]}
    answer = await peers.post("identity", "/v1/identity/persons/lookup", workspace_id, asked, PersonsFound)
    for found in answer.items:
        if found.canonical_no is not None and found.canonical_id is not None:
            return found.canonical_no, found.canonical_id
    raise Invalid.at("/person_id", "there is no such person", "unknown_person")
