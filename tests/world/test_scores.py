"""The scores against their definitions, item by item and pair by pair."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from world.scores import Tally, tally

worlds = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.sampled_from(["", "why"])), max_size=30)


@given(worlds)
def test_pairs_counted_one_by_one_give_the_same_score(items):
    found = tally(items)
    pairs = list(combinations(items, 2))
    said = [pair for pair in pairs if pair[0][0] == pair[1][0]]
    true = [pair for pair in pairs if pair[0][1] == pair[1][1]]
    both = [pair for pair in said if pair[0][1] == pair[1][1]]
    assert (found.said, found.true, found.together) == (len(said), len(true), len(both))
    assert found.pairwise.precision == (len(both) / len(said) if said else 1.0)
    assert found.pairwise.recall == (len(both) / len(true) if true else 1.0)


@given(worlds)
def test_b_cubed_is_the_mean_over_items(items):
    precision, recall = [], []
    for person, human, _ in items:
        with_me = [other for other in items if other[0] == person]
        mine = [other for other in items if other[1] == human]
        both = [other for other in with_me if other[1] == human]
        precision.append(len(both) / len(with_me))
        recall.append(len(both) / len(mine))
    found = tally(items).b_cubed
    assert found.precision == pytest.approx(sum(precision) / len(items) if items else 1.0)
    assert found.recall == pytest.approx(sum(recall) / len(items) if items else 1.0)


@given(worlds)
def test_wrong_merges_and_splits_are_counted_by_their_definition(items):
    found = tally(items)
    persons = {person: {human for of, human, _ in items if of == person} for person, _, _ in items}
    humans = {human: {person for person, of, _ in items if of == human} for _, human, _ in items}
    mixed = [person for person, inside in persons.items() if len(inside) > 1]
    assert found.mixed_persons == len(mixed)
    assert found.mixed_humans == sum(bool(parts & set(mixed)) for parts in humans.values())
    assert found.split_humans == sum(len(parts) > 1 for parts in humans.values())
    assert (found.persons, found.humans, found.items) == (len(persons), len(humans), len(items))
    assert bool(found.missed) == bool(found.split_humans)


@given(worlds, worlds)
def test_tallies_of_parts_that_share_nobody_add_up(one, other):
    apart = [(("other", person), ("other", human), cause) for person, human, cause in other]
    total = Tally()
    total.add(tally(one))
    total.add(tally(apart))
    together = tally([*one, *apart])
    assert (total.together, total.said, total.true) == (together.together, together.said, together.true)
    assert total.precision_sum == pytest.approx(together.precision_sum)
    assert total.recall_sum == pytest.approx(together.recall_sum)
    assert (total.mixed_persons, total.split_humans, total.missed) == (
        together.mixed_persons, together.split_humans, together.missed,
    )  # fmt: skip


def test_f1_and_the_rate_per_million_of_a_small_world():
    # two persons: one holds a and c of different humans, the other b of a's human
    found = tally([("p", 1, ""), ("q", 1, "cookie"), ("p", 2, "")])
    assert (found.pairwise.precision, found.pairwise.recall, found.pairwise.f1) == (0.0, 0.0, 0.0)
    assert found.wrong_per_million == 500_000
    assert found.missed == {"cookie": 1}
