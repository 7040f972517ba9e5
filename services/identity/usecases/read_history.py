"""How identifiers came to be whose they are, and what happened to persons."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import NotFound
from services.identity.domain.evidence import Identifier
from services.identity.store import history, nodes, persons
from services.identity.store.history import Owned
from services.identity.store.nodes import key
from services.identity.store.persons import PersonRow
from services.identity.usecases.find_person import find_node, living
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.graph.tools import GraphTools


@dataclass(slots=True)
class IdentifierHistory:
    """Everything that was ever said of whose an identifier is, oldest first, with the persons' ids."""

    node_no: int
    owned: list[Owned]
    ids: dict[int, UUID]


async def read_identifier_history(
    tx: Tx, tools: GraphTools, workspace_id: int, identifier: Identifier
) -> IdentifierHistory:
    """Return who owned an identifier from which graph version and event time on."""
    node = await find_node(tx, tools, workspace_id, identifier)
    owned = await history.ownership_of(tx, workspace_id, [node.node_no])
    found = await persons.read(tx, {key(workspace_id, one.person_no) for one in owned})
    return IdentifierHistory(node.node_no, owned, {row.person_no: row.person_id for row in found.values()})


@dataclass(slots=True)
class PersonHistory:
    """What happened to a person, oldest first: identifiers that came and went, ids that ended in him or came back."""

    person: PersonRow
    changes: list[history.Change]
    names: dict[int, Identifier]
    ids: dict[int, UUID]


async def read_person_history(tx: Tx, tools: GraphTools, workspace_id: int, person_id: UUID) -> PersonHistory:
    """Return a person's history under the very id that is asked for; raises NotFound, or Gone when he was erased."""
    row = await persons.by_id(tx, workspace_id, person_id)
    if row is None:
        raise NotFound("there is no such person in this workspace")
    await living(tx, row)
    changes = await history.of_person(tx, workspace_id, row.person_no)
    mentioned = {key(workspace_id, one.node_no) for one in changes if one.node_no}
    names = {one.node_no: name_of(one, tools) for one in await nodes.read(tx, mentioned)} if mentioned else {}
    others = {key(workspace_id, one.other_no) for one in changes if one.other_no}
    ids = {one.person_no: one.person_id for one in (await persons.read(tx, others)).values()} if others else {}
    return PersonHistory(row, changes, names, ids)
