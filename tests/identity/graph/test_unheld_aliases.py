"""Aliases that no declaration holds any more, and who was nothing but such aliases."""

from typing import Any
from uuid import UUID

import pytest

from libs.common.db import Tx, statement
from libs.common.ids import new_id
from services.identity.domain.evidence import Identifier
from services.identity.store import nodes, persons
from services.identity.store.nodes import Key, key
from services.identity.store.persons import PersonRow
from services.identity.usecases.erase_person import Wish, erase_person
from services.identity.usecases.find_person import living
from services.identity.usecases.graph.batch import Batch, Move, PersonChanges
from services.identity.usecases.graph.load_regions import put_node
from services.identity.usecases.graph.unheld_aliases import leave_to_nobody
from services.identity.usecases.graph.verify_partition import verify_partition
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.test_respelling import DEFAULTS, FOLDING, KINDS, put
from tests.identity.graph.worlds import NOW, an_identifier, evidence

OWN = statement("update node set person_no = :person, born_no = :person where lookup = :lookup")
PART = statement("delete from link l using node n where n.lookup = :lookup and n.node_no in (l.low_no, l.high_no)")
SUBJECTS = statement("select subject from outbox_log")


def address(name: str) -> Identifier:
    return an_identifier("email", f"{name}@mail.example")


def alias_of(name: str) -> Identifier:
    return Identifier("email_alias", "", f"{name}@mail.example")


async def made_a_person(graph: Graph, *aliases: Identifier) -> UUID:
    """Make aliases a person by themselves, as one was left that had been taken back by an older version."""
    person_id = new_id()
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        [number] = await graph.tools.numbers.take(tx, WORKSPACE, "person", 1)
        version = await persons.next_version(tx)
        await persons.insert(tx, [PersonRow(WORKSPACE, number, person_id, "active", None, None, version, NOW)])
        for alias in aliases:
            lookup = graph.tools.lookup(WORKSPACE, alias)
            await tx.execute(OWN, person=number, lookup=lookup)
            await tx.execute(PART, lookup=lookup)
    return person_id


async def led_to(graph: Graph, person_id: UUID) -> UUID:
    """Return the living person an id leads to."""
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        row = await persons.by_id(tx, WORKSPACE, person_id)
        assert row is not None
        return (await living(tx, row)).person_id


async def merges(graph: Graph) -> int:
    """Return how often it was told that somebody was merged."""
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        return sum(row["subject"] == "identity.person.merged.v1" for row in await tx.fetch(SUBJECTS))


async def place(graph: Graph, tx: Tx, identifier: Identifier) -> Key:
    name = WORKSPACE, graph.tools.lookup(WORKSPACE, identifier)
    return key(WORKSPACE, (await nodes.find(tx, [name]))[name][0])


async def test_an_alias_that_was_left_a_person_ends_in_the_person_of_its_address(graph_of: Any) -> None:
    graph = await graph_of(FOLDING, KINDS)
    await graph.take([evidence(1, address("an.na"), at=1), evidence(2, address("anna"), at=2)])
    ghost = await made_a_person(graph, alias_of("anna"))
    await put(graph, DEFAULTS)
    found = await graph.stored()
    assert found.nobodys == {alias_of("anna")}
    assert len(set(found.ids.values())) == 2
    assert await led_to(graph, ghost) in set(found.ids.values())
    assert await merges(graph) >= 1


async def test_who_was_two_aliases_and_nothing_else_ends_once(graph_of: Any) -> None:
    graph = await graph_of(FOLDING, KINDS)
    await graph.take([evidence(1, address("an.na"), at=1), evidence(2, address("b.ob"), at=2)])
    told, ghost = await merges(graph), await made_a_person(graph, alias_of("anna"), alias_of("bob"))
    await put(graph, DEFAULTS)
    found = await graph.stored()
    assert found.nobodys == {alias_of("anna"), alias_of("bob")}
    assert await led_to(graph, ghost) in {found.ids[address("an.na")], found.ids[address("b.ob")]}
    assert await merges(graph) == told + 1


async def test_the_address_of_an_alias_is_read_where_the_batch_has_it_not(graph_of: Any) -> None:
    graph = await graph_of(FOLDING, KINDS)
    await graph.take([evidence(1, address("an.na"), at=1)])
    await made_a_person(graph, alias_of("anna"))
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        alias, of = await place(graph, tx, alias_of("anna")), await place(graph, tx, address("an.na"))
        rows = {row.key: row for row in await nodes.read(tx, [alias, of])}
        batch, changes = Batch((), {}, {}, void_aliases={alias: of}), PersonChanges(0)
        put_node(batch, graph.tools, rows[alias])
        await leave_to_nobody(tx, batch, {alias}, {}, changes)
    assert changes.merged == [(rows[alias].owner, rows[of].owner)]
    assert changes.moves == [Move(alias, rows[alias].person_no, 0)]


@pytest.mark.parametrize("declared_again", [False, True])
async def test_an_erasure_beside_it_makes_nobody_of_an_alias_that_nothing_holds(
    graph_of: Any, declared_again: bool
) -> None:
    graph = await graph_of(FOLDING, KINDS)
    anna, ben = an_identifier("user_id", "anna", "shop"), an_identifier("user_id", "ben", "shop")
    await graph.take([evidence(1, anna, address("an.na"), at=2), evidence(2, ben, address("a.nna"), at=1)])
    await put(graph, DEFAULTS)
    before = await graph.stored()
    assert alias_of("anna") in before.nobodys
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        await erase_person(tx, graph.tools, WORKSPACE, before.ids[ben], Wish(new_id(), "somebody"))
    if declared_again:
        await put(graph, FOLDING)
        await put(graph, DEFAULTS)
    after = await graph.stored()
    assert after.ids == {one: before.ids[one] for one in (anna, address("an.na"))}
    assert after.nobodys == {alias_of("anna")}
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        assert (await verify_partition(tx, graph.tools, WORKSPACE)).different == 0
