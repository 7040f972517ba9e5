"""A person by his id, or by one of his identifiers."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import Gone, NotFound
from services.identity.domain.evidence import Identifier
from services.identity.store import erasures, nodes, persons, twins
from services.identity.store.nodes import Key, key
from services.identity.store.persons import PersonRow
from services.identity.usecases.graph.read_component import Component, read_nodes
from services.identity.usecases.graph.tools import GraphTools


@dataclass(slots=True)
class FoundPerson:
    """The living person an id leads to, with his identifiers and every link at them."""

    asked: UUID
    person: PersonRow
    mine: list[Key]
    component: Component
    retired: list[PersonRow]


async def find_person(tx: Tx, tools: GraphTools, workspace_id: int, person_id: UUID) -> FoundPerson:
    """Return the person an id leads to, for ever; raises NotFound, or Gone for an erased one."""
    return await _found(tx, tools, person_id, await find_row(tx, workspace_id, person_id))


async def find_row(tx: Tx, workspace_id: int, person_id: UUID) -> PersonRow:
    """Return the living person an id leads to; raises NotFound, or Gone for an erased one."""
    row = await persons.by_id(tx, workspace_id, person_id)
    if row is None:
        raise NotFound("there is no such person in this workspace")
    return await living(tx, row)


async def find_person_of(tx: Tx, tools: GraphTools, workspace_id: int, identifier: Identifier) -> FoundPerson:
    """Return the person who owns an identifier; raises NotFound when it was never seen."""
    node = await find_node(tx, tools, workspace_id, identifier)
    row = (await persons.read(tx, [node.owner])).get(node.owner)
    if row is None:
        raise NotFound("the identifier belongs to nobody")
    return await _found(tx, tools, row.person_id, await living(tx, row))


async def find_node(tx: Tx, tools: GraphTools, workspace_id: int, identifier: Identifier) -> nodes.NodeRow:
    """Return the node of an identifier, or of the plain one it is the hash of.

    Raises NotFound when it was never seen, Gone when it was erased.
    """
    name = workspace_id, tools.lookup(workspace_id, identifier)
    found = (await nodes.find(tx, [name])).get(name)
    place = key(workspace_id, found[0]) if found is not None else None
    if place is None and await erasures.buried(tx, workspace_id, [name[1]]):
        raise Gone("the person of this identifier was erased", code="erased")
    plain = await find_plain(tx, tools, workspace_id, identifier) if place is None else None
    if plain is not None:
        return plain
    if place is None:
        raise NotFound(f"no {identifier.namespace} of this value was ever seen")
    return (await nodes.read(tx, [place]))[0]


async def find_plain(tx: Tx, tools: GraphTools, workspace_id: int, identifier: Identifier) -> nodes.NodeRow | None:
    """Return the node of the plain identifier that this one is the hash of, None when there is none."""
    if identifier.namespace not in tools.hashes:
        return None
    name = workspace_id, tools.lookup(workspace_id, identifier)
    place = (await twins.find(tx, [name])).get(name)
    return None if place is None else (await nodes.read(tx, [place]))[0]


async def living(tx: Tx, row: PersonRow) -> PersonRow:
    """Return the person a row leads to: himself, or the survivor of his merge; raises Gone when erased."""
    while row.redirect_to is not None:
        target = key(row.workspace_id, row.redirect_to)
        row = (await persons.read(tx, [target]))[target]
    if row.state == "erased":
        raise Gone("this person was erased", code="erased")
    return row


async def _identifiers(tx: Tx, row: PersonRow) -> list[Key]:
    return [one.key for one in await nodes.of_persons(tx, row.workspace_id, [row.person_no])]


async def _found(tx: Tx, tools: GraphTools, asked: UUID, row: PersonRow) -> FoundPerson:
    mine = await _identifiers(tx, row)
    while not mine:
        # Either he is the anonymous one of a device, or he ended between two statements and all he had is another's.
        now = await living(tx, (await persons.read(tx, [row.key]))[row.key])
        if now.person_no == row.person_no:
            break
        row, mine = now, await _identifiers(tx, now)
    component = await read_nodes(tx, tools, mine)
    retired = await persons.retired_into(tx, row.workspace_id, row.person_no)
    return FoundPerson(asked, row, mine, component, retired)
