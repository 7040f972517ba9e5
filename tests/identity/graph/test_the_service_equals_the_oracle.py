"""The stored, incremental graph against the pure function that rebuilds everything."""

import asyncio
import random
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from libs.common.db import Tx, statement
from services.identity.domain.evidence import Evidence
from services.identity.domain.partition import partition
from services.identity.domain.policy import NamespacePolicy, PolicySet
from services.identity.store.nodes import number_of
from services.identity.usecases.graph.batch import Fact
from services.identity.usecases.graph.resolve_evidence import resolve_evidence
from tests.identity.graph.graphs import Graph, Stored
from tests.identity.graph.worlds import DENSE, EXAMPLES, FADING, NOW, a_history


def assert_equal(stored: Stored, events: list[Evidence], policies: PolicySet, now: datetime = NOW) -> None:
    expected = partition(events, policies, now)
    assert stored.persons == expected.persons
    assert stored.shared == expected.shared
    assert stored.active == {frozenset(pair) for pair in expected.active}
    assert stored.refused == {frozenset(pair): (why.state, why.reason) for pair, why in expected.refused.items()}


@pytest.mark.parametrize("policies", [DENSE, FADING], ids=["dense", "fading"])
@pytest.mark.parametrize("seed", range(EXAMPLES // 8))
async def test_id04_batches_of_any_size_in_any_order_end_in_the_same_partition(graph_of, policies, seed):
    graph: Graph = await graph_of(policies)
    chance = random.Random(seed)
    events = a_history(chance, 120, values=12)
    deliveries = [*events, *chance.sample(events, 20)]
    chance.shuffle(deliveries)
    position = 0
    while position < len(deliveries):
        size = chance.choice([1, 1, 2, 5, 20])
        await graph.take(deliveries[position : position + size])
        position += size
        if chance.random() < 0.3:
            assert_equal(await graph.stored(), deliveries[:position], policies)
    assert_equal(await graph.stored(), events, policies)


@pytest.mark.parametrize("seed", range(max(2, EXAMPLES // 16)))
async def test_id03_concurrent_workers_end_in_the_same_partition(graph_of, seed):
    graph: Graph = await graph_of(DENSE)
    chance = random.Random(100 + seed)
    events = a_history(chance, 160, values=14)
    shares = [events[number::3] for number in range(3)]

    async def work(share: list[Evidence]) -> None:
        tools = graph.fresh_tools()
        for position in range(0, len(share), 4):
            await graph.take(share[position : position + 4], tools=tools)

    await asyncio.gather(*(work(share) for share in shares))
    assert_equal(await graph.stored(), events, DENSE)


@pytest.mark.parametrize("policies", [DENSE, FADING], ids=["dense", "fading"])
@pytest.mark.parametrize("seed", range(max(2, EXAMPLES // 16)))
async def test_what_time_takes_is_taken_when_it_is_due(graph_of, policies, seed):
    graph: Graph = await graph_of(policies)
    events = a_history(random.Random(200 + seed), 120, values=14)
    await graph.set_clock(NOW)
    for position in range(0, len(events), 30):
        await graph.take(events[position : position + 30])
    await graph.look_again()
    for days in range(2, 100, 7):
        await graph.set_clock(NOW + timedelta(days=days))
        await graph.look_again()
        assert_equal(await graph.stored(), events, policies, graph.now)


@pytest.mark.parametrize("seed", range(max(2, EXAMPLES // 16)))
async def test_a_new_policy_reads_the_old_evidence_anew(graph_of, seed):
    graph: Graph = await graph_of(DENSE)
    events = a_history(random.Random(300 + seed), 120, values=14)
    await graph.set_clock(NOW)
    for position in range(0, len(events), 30):
        await graph.take(events[position : position + 30])
    turned = PolicySet(
        3,
        {
            **DENSE.policies,
            "tel": NamespacePolicy(priority=1, max_per_person=2, hub_threshold=5),
            "account": NamespacePolicy(priority=3, max_per_person=2),
            "device": NamespacePolicy(priority=5, hub_threshold=4),
        },
    )
    await graph.declare(7, turned)
    await graph.look_again()
    assert_equal(await graph.stored(), events, turned)
    await graph.declare(7, DENSE)
    await graph.look_again()
    assert_equal(await graph.stored(), events, DENSE)


async def test_one_batch_may_hold_several_workspaces(graph_of):
    graph: Graph = await graph_of(DENSE)
    await graph.declare(8, FADING)
    mine = a_history(random.Random(400), 60, values=10)
    theirs = a_history(random.Random(401), 60, values=10)
    for position in range(0, 60, 15):
        facts = [Fact(7, one) for one in mine[position : position + 15]]
        facts += [Fact(8, one) for one in theirs[position : position + 15]]
        async with graph.database.worker.transaction((7, 8)) as tx:
            await resolve_evidence(tx, facts, graph.tools)
    assert_equal(await graph.stored(7), mine, DENSE)
    assert_equal(await graph.stored(8), theirs, FADING)


async def take_and_die(graph: Graph, batch: list[Evidence]) -> None:
    async with graph.database.worker.transaction(7) as tx:
        await resolve_evidence(tx, [Fact(7, one) for one in batch], graph.tools)
        raise ZeroDivisionError


async def die(*_given: object, **_named: object) -> None:
    raise ZeroDivisionError


STEPS = ("gather_evidence", "load_regions", "settle_persons", "save_graph")
"""Before evidence is appended, between it and the new partition, before ids, before any of these is written."""


async def test_case_20_a_worker_that_dies_in_a_batch_leaves_nothing_and_another_finishes_it(graph_of):
    graph: Graph = await graph_of(DENSE)
    events = a_history(random.Random(500), 80, values=10)
    for number, position in enumerate(range(0, 80, 10)):
        before = await graph.stored()
        batch = events[position : position + 10]
        with pytest.MonkeyPatch.context() as patch:
            if number % 5 < len(STEPS):
                patch.setattr(f"services.identity.usecases.graph.resolve_evidence.{STEPS[number % 5]}", die)
            with pytest.raises(ZeroDivisionError):
                await take_and_die(graph, batch)
        assert await graph.stored() == before
        await graph.take(batch, tools=graph.fresh_tools())
        assert_equal(await graph.stored(), events[: position + 10], DENSE)


@pytest.mark.parametrize("seed", range(max(2, EXAMPLES // 16)))
async def test_id19_what_was_acknowledged_is_in_the_graph_at_once_whoever_else_is_at_work(graph_of, seed):
    """Read after each commit by its worker: the evidence, the owners it gave, and persons of no older version."""
    graph: Graph = await graph_of(DENSE)
    events = a_history(random.Random(1800 + seed), 120, values=10)
    versions: list[int] = []

    async def work(share: list[Evidence]) -> None:
        tools = graph.fresh_tools()
        for position in range(0, len(share), 3):
            batch = await graph.take(share[position : position + 3], tools=tools)
            version = batch.changes.version if batch.changes is not None else 0
            versions.append(version)
            ids = [one.event_id for one in share[position : position + 3]]
            moved = [number_of(move.node) for move in batch.changes.moves] if batch.changes is not None else []
            assert await reflected(graph, ids, moved, version)

    await asyncio.gather(*(work(events[number::4]) for number in range(4)))
    told = [version for version in versions if version]
    assert len(told) == len(set(told)), "no two batches under one version"
    assert_equal(await graph.stored(), events, DENSE)


async def reflected(graph: Graph, event_ids: list[UUID], moved: list[int], version: int) -> bool:
    """Whether evidence is stored, and what moved with it and its owners are of this version or of a later one."""
    async with graph.database.worker.transaction(7) as tx:
        known: int = await tx.fetch_value(
            statement("select count(distinct event_id) from evidence where event_id = any(:ids::uuid[])"), ids=event_ids
        )
        behind: int = await tx.fetch_value(
            statement(
                "select count(*) from node n left join person p"
                " on p.workspace_id = n.workspace_id and p.person_no = n.person_no"
                " where n.node_no = any(:moved::int[])"
                " and (n.owner_version < :version or p.graph_version < n.owner_version or p.person_no is null)"
            ),
            moved=moved, version=version,
        )  # fmt: skip
    return (known, behind) == (len(event_ids), 0)


async def test_numbers_taken_in_a_savepoint_that_was_undone_are_given_to_nobody_twice(graph_of):
    graph: Graph = await graph_of(DENSE)
    events = a_history(random.Random(600), 60, values=10)
    async with graph.database.worker.transaction(7) as tx:
        with pytest.raises(ZeroDivisionError):
            await undone(tx, events[:30], graph)
    await graph.take(events)
    assert_equal(await graph.stored(), events, DENSE)


async def undone(tx: Tx, events: list[Evidence], graph: Graph) -> None:
    async with tx.savepoint():
        await resolve_evidence(tx, [Fact(7, one) for one in events], graph.tools)
        raise ZeroDivisionError
