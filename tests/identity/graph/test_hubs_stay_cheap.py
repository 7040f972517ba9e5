"""A hub's evidence is appended and never walked, whatever is taken from it."""

import random

import msgspec
import pytest

from libs.common.db import statement
from services.identity.domain.policy import Declared, PolicySet
from services.identity.store import regions
from services.identity.usecases.put_policies import put_policies
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.test_the_service_equals_the_oracle import assert_equal
from tests.identity.graph.worlds import DENSE, EXAMPLES, NOW, a_history, an_identifier, evidence

TEL = an_identifier("tel", "hotline")
CROWD = 505


async def test_case_29_a_hub_that_stays_one_is_not_walked_when_a_link_is_taken_back(graph_of):
    graph = await graph_of(DENSE)
    accounts = [an_identifier("account", number) for number in range(CROWD)]
    events = [evidence(number, account, TEL, at=1) for number, account in enumerate(accounts)]
    await graph.take(events)
    unbind = evidence(CROWD, accounts[7], TEL, kind="unbind", at=2)
    batch = await graph.take([unbind])
    assert len(batch.nodes) == 2, "the hub and who left it"
    appended = evidence(CROWD + 1, an_identifier("account", "one-more"), TEL, at=3)
    assert len((await graph.take([appended])).nodes) == 2
    assert_equal(await graph.stored(), [*events, unbind, appended], DENSE)


async def test_case_29_a_hub_that_falls_is_settling_until_it_was_read_in_the_background(graph_of):
    graph = await graph_of(DENSE)
    accounts = [an_identifier("account", number) for number in range(4)]
    events = [evidence(number, account, TEL, at=1) for number, account in enumerate(accounts)]
    cookies = [evidence(100 + number, an_identifier("cookie", number), TEL, at=1) for number in range(CROWD)]
    await graph.take([*events, *cookies])
    await graph.set_clock(NOW)
    await graph.look_again()
    assert await settling(graph) == set()
    unbinds = [evidence(50 + number, account, TEL, kind="unbind", at=2) for number, account in enumerate(accounts[:3])]
    batch = await graph.take(unbinds)
    assert len(batch.nodes) == 4, "the hub and those who left it"
    assert (await graph.stored()).shared == {TEL}
    assert len(await settling(graph)) == 1
    appended = evidence(99, an_identifier("account", "one-more"), an_identifier("cookie", "new"), TEL, at=3)
    assert len((await graph.take([appended])).nodes) == 3, "what comes meanwhile is appended"
    await graph.look_again()
    assert await settling(graph) == set()
    stored = await graph.stored()
    assert not stored.shared
    assert_equal(stored, [*events, *cookies, *unbinds, appended], DENSE)


async def settling(graph: Graph) -> set[int]:
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        hubs = [row["node_no"] for row in await tx.fetch(statement("select node_no from node where is_shared"))]
        return await regions.settling(tx, WORKSPACE, hubs, graph.now)


async def put(graph: Graph, policies: PolicySet) -> None:
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        await put_policies(
            tx, graph.tools, WORKSPACE, Declared(policies.policies, policies.safeguards, policies.linking)
        )


@pytest.mark.parametrize("threshold", [5, CROWD - 1, CROWD])
async def test_case_29_a_crowd_under_another_threshold_is_looked_at_in_its_own_turn(graph_of, threshold):
    graph = await graph_of(DENSE)
    accounts = [an_identifier("account", number) for number in range(CROWD)]
    events = [evidence(number, account, TEL, at=1) for number, account in enumerate(accounts)]
    await graph.take(events)
    await graph.set_clock(NOW)
    await graph.look_again()
    raised = PolicySet(9, {**DENSE.policies, "tel": msgspec.structs.replace(DENSE.of("tel"), hub_threshold=threshold)})
    await put(graph, raised)
    assert len(await settling(graph)) == 1
    await graph.look_again()
    assert await settling(graph) == set()
    stored = await graph.stored()
    assert bool(stored.shared) == (threshold < CROWD)
    assert_equal(stored, events, raised)


@pytest.mark.parametrize("seed", range(max(2, EXAMPLES // 16)))
async def test_limits_alone_change_without_reading_evidence_anew(graph_of, seed):
    graph = await graph_of(DENSE)
    events = a_history(random.Random(800 + seed), 120, values=12)
    await graph.set_clock(NOW)
    for position in range(0, len(events), 30):
        await graph.take(events[position : position + 30])
    changed = {"hub_threshold": 1, "max_per_person": 2}
    tighter = PolicySet(
        9,
        {
            name: msgspec.structs.replace(one, singleton=one.is_singleton, **changed)
            for name, one in DENSE.policies.items()
        },
    )
    await put(graph, tighter)
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        assert not await tx.fetch(statement("select from region_due where reread and due_at <= :now"), now=graph.now)
    await graph.look_again()
    assert_equal(await graph.stored(), events, tighter)
    other = PolicySet(10, {**DENSE.policies, "tel": msgspec.structs.replace(DENSE.of("tel"), priority=1)})
    await put(graph, other)
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        assert await tx.fetch(statement("select from region_due where reread and due_at <= :now"), now=graph.now)
    await graph.look_again()
    assert_equal(await graph.stored(), events, other)


async def loaded(graph: Graph, number: int, size: int) -> tuple[int, int, int]:
    """How many nodes and links batches around a hub load: one more at it, a repetition, one neighbour's own event."""
    newcomer = evidence(number, an_identifier("account", f"new-{number}"), TEL, at=3)
    repeated = evidence(number + 1, an_identifier("account", 0), TEL, at=4)
    neighbour = evidence(number + 2, an_identifier("account", size - 1), an_identifier("cookie", number), at=5)
    batches = [await graph.take([one]) for one in (newcomer, repeated, neighbour)]
    first, second, third = (len(batch.nodes) + len(batch.links) for batch in batches)
    return first, second, third


async def test_id17_what_a_batch_loads_does_not_grow_with_the_hub(graph_of):
    graph = await graph_of(DENSE)
    grown: list[tuple[int, int, int]] = []
    before = 0
    for size in (20, 200, 1_000):
        crowd = [evidence(number, an_identifier("account", number), TEL, at=1) for number in range(before, size)]
        for position in range(0, len(crowd), 200):
            await graph.take(crowd[position : position + 200])
        grown.append(await loaded(graph, 10_000 + size * 10, size))
        before = size
    assert grown[0] == grown[1] == grown[2]
    assert max(grown[0]) <= 8


async def test_a_region_is_loaded_as_far_as_a_persons_caps_reach_and_not_through_its_hubs(graph_of):
    """Chains of persons who share hubs: each batch sees one person's region, however many persons the hubs touch."""
    graph = await graph_of(DENSE)
    hubs = [an_identifier("tel", f"hub-{number}") for number in range(3)]
    events = [
        evidence(number * 3 + turn, an_identifier("account", number), hubs[(number + turn) % 3], at=1)
        for number in range(120)
        for turn in range(2)
    ]
    for position in range(0, len(events), 40):
        await graph.take(events[position : position + 40])
    assert (await graph.stored()).shared == set(hubs)
    for number in range(0, 120, 40):
        batch = await graph.take(
            [evidence(1_000 + number, an_identifier("account", number), an_identifier("openid", number, "app1"), at=2)]
        )
        assert len(batch.nodes) <= 4, "the account, its openid and the two hubs at its edge"
