"""Many come to one device at once: what is decided without loading any of them is what the rule says."""

import random
from datetime import timedelta

import msgspec
import pytest

from services.identity.domain.evidence import Evidence
from services.identity.domain.policy import PolicySet
from tests.identity.graph.graphs import Graph
from tests.identity.graph.test_the_breaker import ROOMY, assert_as_decided, decide, posted_together
from tests.identity.graph.test_the_service_equals_the_oracle import assert_equal
from tests.identity.graph.worlds import DENSE, EXAMPLES, FADING, GUARDED, NOW, a_history, an_identifier, evidence

CHILDLESS = PolicySet(4, {name: msgspec.structs.replace(one, parent=None) for name, one in DENSE.policies.items()})


def a_storm(chance: random.Random, length: int, values: int = 10) -> list[Evidence]:
    """Log-ins of many on few, amidst everything else that happens to them."""
    events = a_history(chance, length, values)
    for number in range(length):
        if chance.random() < 0.3:
            continue
        who = an_identifier(chance.choice(["account", "account", "tel", "union"]), chance.randrange(values))
        where = an_identifier(chance.choice(["device", "device", "cookie", "tel"]), chance.randrange(2))
        own = [an_identifier("cookie", f"own-{who.namespace}-{who.value}")] if chance.random() < 0.2 else []
        kind = chance.choice(["login", "login", "login", "import", "logout"])
        if who != where:
            at = round(chance.uniform(0, 120), 3)
            events[number] = evidence(number, who, where, *own, kind=kind, tier=chance.choice([1, 2]), at=at)
    return events


@pytest.mark.parametrize("policies", [DENSE, CHILDLESS, FADING], ids=["dense", "childless", "fading"])
@pytest.mark.parametrize("seed", range(EXAMPLES // 2))
async def test_a_storm_ends_in_the_same_partition_however_it_is_cut(graph_of, policies, seed):
    graph: Graph = await graph_of(policies)
    chance = random.Random(5_000 + seed)
    events = a_storm(chance, 120)
    deliveries = [*events, *chance.sample(events, 20)]
    chance.shuffle(deliveries)
    position = 0
    while position < len(deliveries):
        size = chance.choice([1, 3, 6, 12, 25])
        await graph.take(deliveries[position : position + size])
        position += size
        if chance.random() < 0.5:
            assert_equal(await graph.stored(), deliveries[:position], policies)
    assert_equal(await graph.stored(), events, policies)


@pytest.mark.parametrize("policies", [DENSE, CHILDLESS], ids=["dense", "childless"])
@pytest.mark.parametrize("seed", range(max(2, EXAMPLES // 8)))
async def test_what_a_storm_left_expires_when_it_is_due(graph_of, policies, seed):
    graph: Graph = await graph_of(policies)
    events = a_storm(random.Random(6_000 + seed), 100)
    await graph.set_clock(NOW)
    for position in range(0, len(events), 20):
        await graph.take(events[position : position + 20])
    for days in range(2, 100, 7):
        await graph.set_clock(NOW + timedelta(days=days))
        await graph.look_again()
        assert_equal(await graph.stored(), events, policies, graph.now)


async def test_id17_who_comes_to_a_hub_or_makes_one_is_not_loaded(graph_of):
    graph: Graph = await graph_of(DENSE)
    accounts = [an_identifier("account", number) for number in range(40)]
    tablet = an_identifier("device", "tablet")
    known = [evidence(number, one, an_identifier("cookie", one.value), at=100) for number, one in enumerate(accounts)]
    await graph.take(known)
    first = [evidence(100 + number, one, tablet, at=101) for number, one in enumerate(accounts[:20])]
    batch = await graph.take(first)
    assert (len(batch.nodes), len(batch.links)) == (21, 0), "who came, and the device"
    assert (await graph.stored()).shared == {tablet}
    second = [evidence(200 + number, one, tablet, at=102) for number, one in enumerate(accounts[20:])]
    batch = await graph.take(second)
    assert (len(batch.nodes), len(batch.links)) == (21, 0)
    assert_equal(await graph.stored(), [*known, *first, *second], DENSE)


async def test_who_shared_a_device_before_the_storm_is_parted_from_it(graph_of):
    graph: Graph = await graph_of(DENSE)
    accounts = [an_identifier("account", number) for number in range(10)]
    tablet, wechat = an_identifier("device", "tablet"), an_identifier("openid", 1, "app1")
    events = [evidence(number, one, an_identifier("cookie", one.value), at=100) for number, one in enumerate(accounts)]
    events += [evidence(50, accounts[0], tablet, at=100), evidence(51, tablet, wechat, kind="observe", tier=3, at=100)]
    await graph.take(events)
    storm = [evidence(100 + number, one, tablet, at=101) for number, one in enumerate(accounts)]
    await graph.take(storm)
    stored = await graph.stored()
    assert frozenset({tablet}) in stored.persons
    assert_equal(stored, [*events, *storm], DENSE)


async def test_a_storm_of_newcomers_makes_persons_and_a_hub(graph_of):
    graph: Graph = await graph_of(DENSE)
    tablet = an_identifier("device", "tablet")
    storm = [
        evidence(number, an_identifier("account", number), an_identifier("cookie", number), tablet, at=101)
        for number in range(20)
    ]
    await graph.take(storm[:10])
    await graph.take(storm[10:])
    assert_equal(await graph.stored(), storm, DENSE)


@pytest.mark.parametrize("policies", [GUARDED, ROOMY], ids=["guarded", "roomy"])
@pytest.mark.parametrize("seed", range(max(2, EXAMPLES // 8)))
async def test_a_storm_is_held_and_decided_like_everything_else(graph_of, policies, seed):
    graph: Graph = await graph_of(policies)
    chance = random.Random(7_000 + seed)
    events = posted_together(a_storm(chance, 120), chance)
    told: list[Evidence] = []
    position = 0
    while position < len(events):
        size = chance.choice([1, 3, 8, 25])
        await graph.take(events[position : position + size])
        told += events[position : position + size]
        position += size
        if chance.random() < 0.3:
            told += await decide(graph, chance)
        if chance.random() < 0.5:
            await assert_as_decided(graph, told, policies)
    await assert_as_decided(graph, told, policies)
