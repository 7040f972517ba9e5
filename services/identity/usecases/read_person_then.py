"""Persons as of a time: the same answer tomorrow, unless evidence from before that time comes late.

Given are the policies in force and what was erased: as of today, for all times.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import NotFound
from services.identity.domain.evidence import AUTHENTICATED, INFERRED, Identifier
from services.identity.domain.links import rank
from services.identity.domain.persons import Owned, merit
from services.identity.domain.policy import KNOWN_PRIORITY, PolicySet
from services.identity.store import history, persons
from services.identity.store.nodes import Key, NodeRow, key, number_of
from services.identity.store.persons import PersonRow
from services.identity.usecases.find_person import find_node, find_plain, living
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.graph.partition_then import Then, partition_then
from services.identity.usecases.graph.tools import GraphTools


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
    """Return the person of an identifier at an event time.

    Raises NotFound when nothing had been said of it by then, Gone when it was erased.
    """
    node: NodeRow | None = await find_node(tx, tools, workspace_id, identifier)
    policies = await tools.present_policies(tx, workspace_id)
    while node is not None:
        then = await partition_then(tx, tools, policies, workspace_id, {node.node_no}, at)
        if group := then.partition.person_of(name_of(node, tools)):
            owner = await _bearer(tx, policies, then, group)
            return _person(owner.person_id, await living(tx, owner), at, then, group)
        # A hash that was first seen later leads to its plain identifier, as it did before it was seen.
        plain = await find_plain(tx, tools, workspace_id, identifier)
        node = plain if plain is not None and plain.node_no != node.node_no else None
    raise NotFound("nothing was known of this identifier at that time")


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
    then = await partition_then(tx, tools, policies, workspace_id, born, at)
    known = frozenset().union(*then.partition.persons)
    mine = [name for name, node in then.rows.items() if node.node_no in born and name in known]
    if not mine:
        raise NotFound("nothing was known of this person at that time")
    group = then.partition.person_of(min(mine, key=lambda one: rank(one, policies)))
    return _person(person_id, present, at, then, group)


def _person(asked: UUID, person: PersonRow, at: datetime, then: Then, group: frozenset[Identifier]) -> PersonThen:
    numbers = {name: then.rows[name].node_no for name in group}
    return PersonThen(asked, person, at, sorted(group), then.partition.shared & group, numbers)


async def _bearer(tx: Tx, policies: PolicySet, then: Then, group: Collection[Identifier]) -> PersonRow:
    """Return whose a group was: of the persons its identifiers were born to the one that survives when they meet.

    An identifier that was born to somebody erased counts as born to whose it is by now. Raises NotFound when that is
    nobody.
    """
    rows = [then.rows[name] for name in group]
    found = await persons.read(tx, {key(row.workspace_id, row.born_no) for row in rows} | {row.owner for row in rows})
    owned: dict[Key, list[Owned]] = {}
    for name, row in zip(group, rows, strict=True):
        born = found.get(key(row.workspace_id, row.born_no))
        bearer = row.owner if born is None or born.state == "erased" else born.key
        if not number_of(bearer):  # nobody owns it yet
            continue
        owned.setdefault(bearer, []).append(_owned(name, row, policies, then.tiers.get(name, INFERRED)))
    if not owned:
        raise NotFound("the identifier belonged to nobody at that time")
    return found[min(owned, key=lambda one: merit(number_of(one), owned[one]))]


def _owned(name: Identifier, row: NodeRow, policies: PolicySet, tier: int) -> Owned:
    policy = policies.of(name.namespace)
    return Owned(
        node=row.node_no,
        person_no=row.born_no,
        born=row.born_no,
        priority=policy.priority,
        proves=policy.is_singleton and tier <= AUTHENTICATED,
        names=policy.priority <= KNOWN_PRIORITY,
        bridges=policy.bridges,
    )
