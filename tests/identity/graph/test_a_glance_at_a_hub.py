"""Hubs that are only glanced at: what is said of them is what a walk would say, once their turn came."""

import random
from datetime import timedelta

import msgspec
import pytest

from libs.common.db import statement
from services.identity.domain.policy import PolicySet
from services.identity.store import links
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.test_erasures_in_the_midst import erase, nothing_dangles
from tests.identity.graph.test_storms_on_hubs import CHILDLESS, a_storm
from tests.identity.graph.test_the_service_equals_the_oracle import assert_equal
from tests.identity.graph.worlds import DENSE, EXAMPLES, FADING, NOW, an_identifier, evidence

HUBS = "services.identity.usecases.graph.standing_hubs"
TEL = an_identifier("tel", "hotline")
TABLET = an_identifier("device", "tablet")
WIDE = PolicySet(9, {**DENSE.policies, "tel": msgspec.structs.replace(DENSE.of("tel"), hub_threshold=12)})
"""A threshold that no glance of five links from either end can show."""


@pytest.mark.parametrize("policies", [DENSE, CHILDLESS, FADING, WIDE], ids=["dense", "childless", "fading", "wide"])
@pytest.mark.parametrize("crowd", [5, 500], ids=["crowded", "small"])
@pytest.mark.parametrize("seed", range(max(2, EXAMPLES // 8)))
async def test_whatever_happens_around_it(graph_of, monkeypatch, policies, crowd, seed):
    monkeypatch.setattr(f"{HUBS}.WALKED", 3)
    monkeypatch.setattr(f"{HUBS}.GLANCE", crowd)
    graph: Graph = await graph_of(policies)
    chance = random.Random(8_000 + seed)
    events = a_storm(chance, 140, values=16)
    await graph.set_clock(NOW)
    position = 0
    while position < len(events):
        size = chance.choice([1, 2, 5, 20])
        await graph.take(events[position : position + size])
        position += size
        if chance.random() < 0.3:
            await graph.look_again()
            assert_equal(await graph.stored(), events[:position], policies)
    for days in range(0, 100, 14):
        await graph.set_clock(NOW + timedelta(days=days))
        await graph.look_again()
        assert_equal(await graph.stored(), events, policies, graph.now)


async def test_a_crowd_under_a_large_threshold_loses_people_until_it_is_somebodys(graph_of, monkeypatch):
    monkeypatch.setattr(f"{HUBS}.WALKED", 5)
    monkeypatch.setattr(f"{HUBS}.GLANCE", 5)
    graph: Graph = await graph_of(WIDE)
    await graph.set_clock(NOW)
    accounts = [an_identifier("account", number) for number in range(40)]
    events = [evidence(number, account, TEL, at=1) for number, account in enumerate(accounts)]
    await graph.take(events)
    for number, account in enumerate(accounts[:28]):
        unbind = evidence(100 + number, account, TEL, kind="unbind", at=2)
        batch = await graph.take([unbind])
        assert (len(batch.nodes), len(batch.links)) == (2, 1), "the hub and who left it"
        events.append(unbind)
        assert await graph.look_again() == 1
        stored = await graph.stored()
        assert bool(stored.shared) == (number < 27)
        assert_equal(stored, events, WIDE)


@pytest.mark.parametrize("most", [1, 7, 40])
async def test_of_each_link_a_glance_shows_it_shows_all(graph_of, most):
    graph: Graph = await graph_of(WIDE)
    await graph.set_clock(NOW)
    accounts = [an_identifier("account", number) for number in range(30)]
    await graph.take([evidence(number, account, TEL, at=1) for number, account in enumerate(accounts)])
    await graph.take([evidence(100 + n, accounts[n], TEL, kind="unbind", at=2) for n in range(30)])
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        [tel] = await tx.fetch(statement("select node_no from node where namespace = 'tel'"))
        hub = WORKSPACE << 32 | tel["node_no"]
        seen, whole = await links.some(tx, hub, most), await links.some(tx, hub, 1000)
    assert len(whole) == 30 and all(len(facts) == 2 for facts in whole.values())
    assert 1 <= len(seen) <= 2 * most
    assert {pair: facts.keys() for pair, facts in seen.items()} == {pair: whole[pair].keys() for pair in seen}


@pytest.mark.parametrize("crowd", [5, 500], ids=["crowded", "small"])
async def test_who_is_erased_makes_no_crowd(graph_of, monkeypatch, crowd):
    monkeypatch.setattr(f"{HUBS}.WALKED", 3)
    monkeypatch.setattr(f"{HUBS}.GLANCE", crowd)
    graph: Graph = await graph_of(WIDE)
    await graph.set_clock(NOW)
    accounts = [an_identifier("account", number) for number in range(13)]
    events = [evidence(number, account, TEL, at=1) for number, account in enumerate(accounts)]
    await graph.take(events)
    assert (await graph.stored()).shared
    await erase(graph, accounts[0])
    await graph.look_again()
    stored = await graph.stored()
    assert not stored.shared
    assert_equal(stored, events[1:], WIDE)


@pytest.mark.parametrize("crowd", [5, 500], ids=["crowded", "small"])
async def test_of_a_hub_that_is_erased_nothing_is_left(graph_of, monkeypatch, crowd):
    monkeypatch.setattr(f"{HUBS}.WALKED", 3)
    monkeypatch.setattr(f"{HUBS}.GLANCE", crowd)
    graph: Graph = await graph_of(WIDE)
    await graph.set_clock(NOW)
    accounts = [an_identifier("account", number) for number in range(20)]
    await graph.take([evidence(number, account, TEL, at=1) for number, account in enumerate(accounts)])
    await erase(graph, TEL)
    await graph.look_again()
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        assert not await tx.fetch(statement("select from link"))
        assert not await tx.fetch(statement("select from evidence where cardinality(node_nos) > 1"))
    await nothing_dangles(graph)


@pytest.mark.parametrize("crowd", [3, 500], ids=["crowded", "small"])
@pytest.mark.parametrize(
    "said", [[], [evidence(20, an_identifier("account", 3), TABLET, kind="unbind", at=51)]], ids=["expired", "unbound"]
)
async def test_whoever_hangs_on_a_hub_again_leaves_it_in_his_time(graph_of, monkeypatch, crowd, said):
    monkeypatch.setattr(f"{HUBS}.WALKED", 3)
    monkeypatch.setattr(f"{HUBS}.GLANCE", crowd)
    graph: Graph = await graph_of(DENSE)
    await graph.set_clock(NOW)
    accounts = [an_identifier("account", number) for number in range(4)]
    steps = [
        [evidence(number, accounts[number], TABLET, at=115) for number in range(3)],
        [evidence(10, accounts[3], TABLET, at=50), *said],
        [evidence(11, accounts[3], TABLET, at=70)],
        [evidence(12, accounts[2], TABLET, kind="unbind", at=116)],
    ]
    events = []
    for step in steps:
        await graph.take(step)
        await graph.look_again()
        events += step
        stored = await graph.stored()
        assert stored.shared == {TABLET}
        assert_equal(stored, events, DENSE, graph.now)
    await graph.set_clock(NOW + timedelta(days=11))
    await graph.look_again()
    stored = await graph.stored()
    assert not stored.shared, "two are left of those who were seen there within sixty days"
    assert_equal(stored, events, DENSE, graph.now)
