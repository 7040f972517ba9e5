"""Erasures that meet others at the worst moment: each test stops one side where the other has begun."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import services.identity.namespaces
from libs.common.db import Tx, statement
from libs.common.ids import new_id
from libs.common.registry import discover
from services.identity.domain.erasing import without
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.policy import NamespaceKind, PolicySet
from services.identity.domain.twins import twins_of
from services.identity.store import nodes, persons
from services.identity.store.nodes import key
from services.identity.usecases.erase_person import Wish, erase_person
from services.identity.usecases.graph import identify_nodes
from services.identity.usecases.graph.tools import GraphTools
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.test_the_service_equals_the_oracle import assert_equal
from tests.identity.graph.worlds import DENSE, an_identifier, evidence

ANNA, BEN, CARL = (an_identifier("account", number) for number in range(3))
TEL, OTHER_TEL, COOKIE = an_identifier("tel", 0), an_identifier("tel", 1), an_identifier("cookie", 0)
KINDS = discover(services.identity.namespaces, "namespace", NamespaceKind)
PHONE_KIND = next(kind for kind in KINDS if kind.name == "phone")


async def number_of(graph: Graph, tx: Tx, identifier: Identifier) -> tuple[int, int]:
    """Return the node's number and its owner's."""
    name = WORKSPACE, graph.tools.lookup(WORKSPACE, identifier)
    return (await nodes.find(tx, [name]))[name]


async def erase(graph: Graph, identifier: Identifier) -> None:
    tools = graph.fresh_tools()

    async def work(tx: Tx) -> None:
        owner = key(WORKSPACE, (await number_of(graph, tx, identifier))[1])
        row = (await persons.read(tx, [owner]))[owner]
        await erase_person(tx, tools, WORKSPACE, row.person_id, Wish(new_id(), "somebody"))

    await graph.again_when_lost(WORKSPACE, work)


@asynccontextmanager
async def erasing(graph: Graph, identifier: Identifier) -> AsyncIterator[None]:
    """Erase an identifier's person; the erasure commits at the end of the block."""
    tools = graph.fresh_tools()
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        owner = key(WORKSPACE, (await number_of(graph, tx, identifier))[1])
        row = (await persons.read(tx, [owner]))[owner]
        await erase_person(tx, tools, WORKSPACE, row.person_id, Wish(new_id(), "somebody"))
        yield


@asynccontextmanager
async def holding(graph: Graph, identifier: Identifier) -> AsyncIterator[None]:
    """Keep an identifier locked, as a batch does that names it."""
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        await nodes.lock(tx, [key(WORKSPACE, (await number_of(graph, tx, identifier))[0])])
        yield


async def tools_with_numbers(graph: Graph) -> GraphTools:
    """Return tools that need no block of numbers for a while: they wait for nobody who takes one."""
    tools = graph.fresh_tools()
    await graph.take([evidence(99, an_identifier("cookie", "first"))], tools=tools)
    return tools


async def until_somebody_waits(graph: Graph) -> None:
    async with asyncio.timeout(30):
        while True:
            async with graph.database.worker.transaction(WORKSPACE) as tx:
                if await tx.fetch_value(statement("select exists (select from pg_locks where not granted)")):
                    return
            await asyncio.sleep(0.01)


async def nothing_dangles(graph: Graph) -> None:
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        assert not await tx.fetch(
            statement(
                "select event_id from evidence, unnest(node_nos || centre_no) node_no"
                " where node_no not in (select node_no from node)"
            )
        )


async def test_an_erasure_that_begins_again_finds_what_is_filed_under_nodes_it_holds_since(graph_of) -> None:
    graph: Graph = await graph_of(DENSE)
    said = [
        evidence(1, ANNA, TEL),
        evidence(2, TEL, BEN, kind="retract"),
        evidence(3, OTHER_TEL, ANNA, kind="cannot_link", tier=0),
        evidence(4, BEN, COOKIE),
    ]
    await graph.take(said)
    async with holding(graph, BEN):
        erasure = asyncio.create_task(erase(graph, ANNA))
        await until_somebody_waits(graph)
    await erasure
    await nothing_dangles(graph)
    left = [without(one, {ANNA, TEL}, DENSE) for one in said]
    assert_equal(await graph.stored(), [one for one in left if one is not None], DENSE)


async def test_an_erasure_holds_the_hubs_that_its_evidence_names(graph_of) -> None:
    graph: Graph = await graph_of(DENSE)
    crowd = [evidence(number, an_identifier("account", number), TEL) for number in range(10, 14)]
    said = [*crowd, evidence(1, ANNA, TEL, kind="cannot_link", tier=0), evidence(2, ANNA, COOKIE)]
    await graph.take(said)
    async with holding(graph, TEL):
        erasure = asyncio.create_task(erase(graph, ANNA))
        await until_somebody_waits(graph)
    await erasure
    await nothing_dangles(graph)
    assert_equal(await graph.stored(), crowd, DENSE)


async def test_an_identifier_that_waits_for_its_own_erasure_is_not_made_again(
    graph_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph: Graph = await graph_of(DENSE)
    find = nodes.find_or_buried
    erased = asyncio.Event()

    async def erased_meanwhile() -> None:
        await graph.take([evidence(1, BEN, TEL)], tools=graph.fresh_tools())
        async with erasing(graph, BEN):
            erased.set()
            await until_somebody_waits(graph)

    tasks: list[asyncio.Task[None]] = []

    async def find_first(tx: Tx, wanted: Any, **given: Any) -> Any:
        found = await find(tx, wanted, **given)
        if not tasks:  # nobody has seen him yet; he comes and is erased before this batch makes him
            tasks.append(asyncio.create_task(erased_meanwhile()))
            await erased.wait()
        return found

    tools = await tools_with_numbers(graph)
    monkeypatch.setattr(identify_nodes.nodes, "find_or_buried", find_first)
    late = [evidence(2, ANNA, COOKIE), evidence(3, BEN, COOKIE)]
    await graph.take(late, tools=tools)
    await tasks[0]
    stored = await graph.stored()
    assert BEN not in stored.ids
    assert frozenset({ANNA, COOKIE}) in stored.persons


async def test_a_hash_that_comes_while_its_phone_is_erased_is_erased_too(graph_of) -> None:
    policies = PolicySet(1, {kind.name: kind.policy for kind in KINDS})
    graph: Graph = await graph_of(policies, KINDS)
    phone = an_identifier("phone", "+8613912340001")
    anna, ben = (an_identifier("user_id", name, "shop") for name in ("anna", "ben"))
    hashed, *_ = twins_of(phone, PHONE_KIND)
    said: list[Evidence] = [evidence(2, ben, hashed), evidence(3, ben, an_identifier("email", "b@ben.cn"))]
    tools = await tools_with_numbers(graph)
    await graph.take([evidence(1, anna, phone)])
    async with erasing(graph, phone):
        late = asyncio.create_task(graph.take(said, tools=tools))
        await until_somebody_waits(graph)
    await late
    stored = await graph.stored()
    assert hashed not in stored.ids
    assert frozenset({ben, said[1].identifiers[1]}) in stored.persons
    await nothing_dangles(graph)
