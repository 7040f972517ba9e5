"""ID13: nothing but what takes back, an erasure or time lowers evidence; what was said stays said."""

import random
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.db import statement
from services.identity.domain.evidence import Evidence
from services.identity.domain.links import TAKING_BACK, LinkFacts, Pair, link_pairs
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.worlds import DENSE, EXAMPLES, FADING, NOW, a_history, histories

many = settings(max_examples=EXAMPLES, deadline=None)
NEWEST = ("retracted_at", "must_at", "cannot_at", "replaced_low_at", "replaced_high_at", "logout_at")


def not_older(before: datetime | None, after: datetime | None) -> bool:
    return before is None or (after is not None and after >= before)


def has_grown(before: LinkFacts, after: LinkFacts) -> bool:
    """Whether everything that facts say is still said, or more."""
    times = [*zip(before.seen, after.seen, strict=True), *zip(before.void, after.void, strict=True)]
    times += [(getattr(before, name), getattr(after, name)) for name in NEWEST]
    return (
        all(not_older(*pair) for pair in times)
        and not_older(after.first_at, before.first_at)
        and before.evidence_count <= after.evidence_count
        and before.sources <= after.sources
    )


def added_up(events: Sequence[Evidence]) -> dict[Pair, LinkFacts]:
    found: dict[Pair, LinkFacts] = {}
    for one in events:
        for pair, said in link_pairs(one, DENSE):
            found.setdefault(pair, LinkFacts()).merge(said)
    return found


def all_grown(before: Mapping[Pair, LinkFacts], after: Mapping[Pair, LinkFacts]) -> bool:
    return all(pair in after and has_grown(facts, after[pair]) for pair, facts in before.items())


@many
@given(histories(), st.data())
def test_id13_more_evidence_never_makes_any_of_it_less(events, data):
    so_far: dict[Pair, LinkFacts] = {}
    for one in data.draw(st.permutations(events)):
        before = deepcopy(so_far)
        for pair, said in link_pairs(one, DENSE):
            so_far.setdefault(pair, LinkFacts()).merge(said)
            assert has_grown(said, so_far[pair]), "the new is in it"
        assert all_grown(before, so_far), "and so is all that was"
    assert so_far == added_up(events), "in every order the same"


@many
@given(histories())
def test_id13_a_link_gets_weaker_only_by_what_takes_back(events):
    so_far: dict[Pair, LinkFacts] = {}
    for one in events:
        for pair, said in link_pairs(one, DENSE):
            known = so_far.setdefault(pair, LinkFacts())
            before, active_until = known.holds(), known.seen_at()
            known.merge(said)
            if before is None or one.kind in TAKING_BACK:
                continue
            after = known.holds()
            assert after is not None
            assert after[0] <= before[0], "a better tier or the same"
            assert after[0] < before[0] or after[1] >= before[1], "and there no older"
            assert not_older(active_until, known.seen_at())


async def recorded(graph: Graph) -> set[tuple[object, ...]]:
    """Every stored piece of evidence, but for how the policies file it."""
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        rows = await tx.fetch(statement("select to_jsonb(e) - 'is_loose' - 'centre_no' as said from evidence e"))
    return {(str(row["said"]),) for row in rows}


@pytest.mark.parametrize("policies", [DENSE, FADING], ids=["dense", "fading"])
@pytest.mark.parametrize("seed", range(max(2, EXAMPLES // 16)))
async def test_id13_the_stored_evidence_and_links_only_grow_whatever_comes_and_however_long_nothing_does(
    graph_of, policies, seed
):
    graph: Graph = await graph_of(policies)
    chance = random.Random(1400 + seed)
    events = a_history(chance, 100, values=9)
    deliveries = [*events, *chance.sample(events, 20)]
    chance.shuffle(deliveries)
    await graph.set_clock(NOW)
    facts, lines = await graph.stored_facts(), await recorded(graph)
    for position in range(0, len(deliveries), 12):
        await graph.take(deliveries[position : position + 12])
        if position % 36 == 0:
            await graph.set_clock(graph.now + timedelta(days=15))
            await graph.look_again()
        before, facts = facts, await graph.stored_facts()
        assert all_grown(before, facts)
        kept, lines = lines, await recorded(graph)
        assert kept <= lines
    assert len(lines) == len(events), "each once"
    expected = added_up(events)
    assert {pair: one.evidence_count for pair, one in facts.items()} == {
        pair: one.evidence_count for pair, one in expected.items()
    }
    assert all_grown(expected, facts) and all_grown(facts, expected)
