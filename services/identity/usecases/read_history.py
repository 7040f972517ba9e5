"""Persons as of a time, and how identifiers came to be whose they are."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import NotFound
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.links import rank
from services.identity.domain.partition import Partition, partition
from services.identity.store import evidence, history, links, nodes, persons
from services.identity.store.history import Owned
from services.identity.store.nodes import Key, key, number_of
from services.identity.store.persons import PersonRow
from services.identity.usecases.find_person import find_node, living
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.graph.read_component import MOST_NODES
from services.identity.usecases.graph.tools import GraphTools

MOST_HUB_LINKS = 500
"""A hub with more links is left out: whoever stands around it was not joined by it."""


@dataclass(slots=True)
class PersonThen:
    """Who was one person with whom at a time, as the evidence up to then says; `person` is whose it is by now."""

    asked: UUID
    person: PersonRow
    at: datetime
    identifiers: list[Identifier]
    shared: frozenset[Identifier]
    subject_nos: dict[Identifier, int]


async def read_identifier_then(
    tx: Tx, tools: GraphTools, workspace_id: int, identifier: Identifier, at: datetime
) -> PersonThen:
    """Return the person of an identifier at an event time; the same tomorrow unless evidence from before comes late.

    Raises NotFound when nothing had been said of it by then, Gone when it was erased.
    """
    node = await find_node(tx, tools, workspace_id, identifier)
    then, numbers = await _partition_then(tx, tools, workspace_id, {node.key}, at)
    group = then.person_of(identifier)
    if not group:
        raise NotFound("nothing was known of this identifier at that time")
    policies = await tools.present_policies(tx, workspace_id)
    owner = await _owner_then(tx, workspace_id, numbers[min(group, key=lambda one: rank(one, policies))], at)
    return PersonThen(owner.person_id, await living(tx, owner), at, sorted(group), then.shared & group, numbers)


async def read_person_then(tx: Tx, tools: GraphTools, workspace_id: int, person_id: UUID, at: datetime) -> PersonThen:
    """Return a person's identifiers at an event time: those around the strongest one that was born to him.

    An id that was merged later is its own person until then. Raises NotFound when nothing of him was known yet.
    """
    row = await persons.by_id(tx, workspace_id, person_id)
    if row is None:
        raise NotFound("there is no such person in this workspace")
    present = await living(tx, row)
    born = await history.born_to(tx, workspace_id, row.person_no)
    policies = await tools.present_policies(tx, workspace_id)
    then, numbers = await _partition_then(tx, tools, workspace_id, {key(workspace_id, one) for one in born}, at)
    known = frozenset().union(*then.persons)
    mine = [name for name, number in numbers.items() if number in born and name in known]
    if not mine:
        raise NotFound("nothing was known of this person at that time")
    group = then.person_of(min(mine, key=lambda one: rank(one, policies)))
    return PersonThen(person_id, present, at, sorted(group), then.shared & group, numbers)


async def _owner_then(tx: Tx, workspace_id: int, node_no: int, at: datetime) -> PersonRow:
    """Return who owned an identifier at an event time: of what was said of it the newest that reaches back so far."""
    owned = await history.ownership_of(tx, workspace_id, [node_no])
    reaching = [one for one in owned if one.since is None or one.since <= at] or owned[:1]
    owner = key(workspace_id, max(reaching, key=lambda one: one.version).person_no)
    return (await persons.read(tx, [owner]))[owner]


async def _partition_then(
    tx: Tx, tools: GraphTools, workspace_id: int, keys: Collection[Key], at: datetime
) -> tuple[Partition, dict[Identifier, int]]:
    """Run the rule over the evidence around nodes that is not younger than a time, at that time."""
    policies = await tools.present_policies(tx, workspace_id)
    around = await nodes.component_around(tx, workspace_id, [number_of(one) for one in keys], MOST_NODES)
    crowded = await links.degrees(tx, around, MOST_HUB_LINKS + 1) if around else {}
    near = {one for one in around if crowded.get(one, 0) <= MOST_HUB_LINKS or one in keys}
    numbers = [number_of(one) for one in near]
    rows = await evidence.naming(tx, workspace_id, numbers, [number_of(one) for one in around]) if near else []
    known = {row.key: row for row in await nodes.read(tx, {key(workspace_id, n) for row in rows for n in row.node_nos})}
    names = {number_of(one): name_of(row, tools) for one, row in known.items()}
    said = [
        Evidence(
            event_id=row.event_id,
            source_id=row.source_id,
            kind=row.kind,  # type: ignore[arg-type]
            tier=row.tier,
            event_time=row.event_time,
            first_received_at=row.first_received_at,
            identifiers=tuple(names[one] for one in row.node_nos if one in names),
            rule_version=row.rule_version,
            consent_basis=row.consent_basis,
            part=row.part,
        )
        for row in rows
    ]
    withdrawn = {names[number_of(one)]: row.withdrawn for one, row in known.items() if row.withdrawn}
    then = partition([one for one in said if one.effective_time <= at], policies, at, withdrawn)
    return then, {name: number for number, name in names.items()}


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
