"""Hubs that were superseded count towards no other hub, although nobody walks through them to see it."""

import random
from itertools import permutations
from typing import Any

import pytest

from services.identity.domain.evidence import Evidence
from tests.identity.graph.graphs import Graph
from tests.identity.graph.test_erasures_in_the_midst import erase
from tests.identity.graph.test_the_service_equals_the_oracle import assert_equal
from tests.identity.graph.worlds import DENSE, EXAMPLES, NOW, an_identifier, evidence

HUBS = "services.identity.usecases.graph.standing_hubs"
TEL, NEXT, LAST = (an_identifier("tel", name) for name in ("hotline", "next", "last"))
TABLET = an_identifier("device", "tablet")
ONE, TWO = (an_identifier("account", name) for name in ("one", "two"))
CROWD = [evidence(n, an_identifier("account", n), TEL, at=100) for n in range(3)]
CALLED = [evidence(10 + n, an_identifier("account", 10 + n), NEXT, at=100) for n in range(3)]
BY_TEL = [evidence(20, TEL, TABLET, at=102)]
BY_TWO = [evidence(21, ONE, TABLET, at=102), evidence(22, TWO, TABLET, at=102)]
MOVED = evidence(30, TEL, NEXT, kind="supersede", tier=0, at=101)
ONWARD = evidence(31, NEXT, LAST, kind="supersede", tier=0, at=103)
BACK = evidence(32, LAST, TEL, kind="supersede", tier=0, at=105)
TAKEN_BACK = evidence(33, TEL, NEXT, kind="retract", tier=0, at=106)


async def take_all(graph: Graph, parts: list[list[Evidence]]) -> None:
    """Take the parts one after another, and hold what is stored against the oracle each time."""
    await graph.set_clock(NOW)
    said: list[Evidence] = []
    for part in parts:
        said += part
        await graph.take(part)
        await graph.look_again()
        assert_equal(await graph.stored(), said, DENSE)


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_id07_a_superseded_hub_counts_towards_no_hub_in_any_order(graph_of: Any, order: tuple[int, ...]) -> None:
    graph: Graph = await graph_of(DENSE)
    parts = [CROWD, BY_TEL, BY_TWO, [MOVED]]
    await take_all(graph, [parts[one] for one in order])
    assert (await graph.stored()).shared == {TEL}, "the tablet is that of two people"


@pytest.mark.parametrize("order", list(permutations((MOVED, ONWARD, BACK))))
@pytest.mark.parametrize("last", [0, 1], ids=["decisions_last", "tablet_last"])
async def test_id07_of_hubs_that_supersede_each_other_in_a_circle_one_counts(
    graph_of: Any, order: tuple[Evidence, ...], last: int
) -> None:
    graph: Graph = await graph_of(DENSE)
    decisions = [[one] for one in order]
    parts = [BY_TWO, *decisions] if last == 0 else [*decisions, BY_TWO]
    await take_all(graph, [CROWD, CALLED, BY_TEL, *parts])
    assert TABLET in (await graph.stored()).shared, "the oldest supersede of the circle is void"
    await graph.take([TAKEN_BACK])
    assert_equal(await graph.stored(), [*CROWD, *CALLED, *BY_TEL, *BY_TWO, *order, TAKEN_BACK], DENSE)


@pytest.mark.parametrize("glance", [5, 500], ids=["crowded", "small"])
async def test_id07_a_crowd_that_is_not_walked_is_superseded(graph_of: Any, monkeypatch: Any, glance: int) -> None:
    monkeypatch.setattr(f"{HUBS}.WALKED", 3)
    monkeypatch.setattr(f"{HUBS}.GLANCE", glance)
    graph: Graph = await graph_of(DENSE)
    crowd = [evidence(100 + n, an_identifier("account", 100 + n), TEL, at=100) for n in range(30)]
    await take_all(graph, [crowd, [*BY_TEL, *BY_TWO], [MOVED], [TAKEN_BACK]])
    assert (await graph.stored()).shared == {TEL, TABLET}


async def test_a_hub_that_is_erased_counts_towards_no_hub(graph_of: Any) -> None:
    graph: Graph = await graph_of(DENSE)
    await take_all(graph, [CROWD, BY_TEL, BY_TWO])
    assert (await graph.stored()).shared == {TEL, TABLET}
    await erase(graph, TEL)
    await graph.look_again()
    stored = await graph.stored()
    assert not stored.shared
    alone = [evidence(40 + n, an_identifier("account", n), at=100) for n in range(3)]
    assert_equal(stored, [*alone, evidence(20, TABLET, at=102), *BY_TWO], DENSE)


@pytest.mark.parametrize("crowd", [3, 500], ids=["crowded", "small"])
@pytest.mark.parametrize("seed", range(max(2, EXAMPLES // 6)))
async def test_id07_whatever_is_superseded(graph_of: Any, monkeypatch: Any, crowd: int, seed: int) -> None:
    monkeypatch.setattr(f"{HUBS}.WALKED", crowd)
    monkeypatch.setattr(f"{HUBS}.GLANCE", crowd + 2)
    chance = random.Random(4_000 + seed)
    told = [something(chance, number) for number in range(90)]
    cuts = sorted(chance.sample(range(1, len(told)), 30))
    graph: Graph = await graph_of(DENSE)
    await take_all(graph, [told[low:high] for low, high in zip([0, *cuts], [*cuts, None], strict=True)])


def something(chance: random.Random, number: int) -> Evidence:
    """Say something of a few telephones of many, and of tablets beside them."""
    at = chance.randrange(60, 120)
    account, tels = an_identifier("account", chance.randrange(9)), [an_identifier("tel", n) for n in range(4)]
    tablet = an_identifier("device", chance.randrange(6))
    if chance.random() < 0.3:
        kind = chance.choice(["supersede", "supersede", "supersede", "retract", "cannot_link", "must_link"])
        return evidence(number, *chance.sample(tels, 2), kind=kind, tier=0, at=at)
    one, other = chance.choice([(account, chance.choice(tels)), (chance.choice(tels), tablet), (account, tablet)])
    return evidence(number, one, other, kind=chance.choice(["login", "login", "login", "login", "unbind"]), at=at)
