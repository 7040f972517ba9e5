"""Case 30, the breaker's rate of a source as a pure law: what it lets merge, and what it holds."""

from collections import Counter
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.identity.domain.breaker import Ends, Joining, Meter, merges, minute_of
from tests.identity.graph.worlds import EXAMPLES, NOW

many = settings(max_examples=20 * EXAMPLES, deadline=None)
NODES = st.integers(0, 11)


def ends() -> st.SearchStrategy[Ends]:
    return st.tuples(NODES, NODES).filter(lambda pair: pair[0] < pair[1])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[int, int], list[Ends], list[Joining]]:
    """Owners of some identifiers, links that stand, and new ones of few sources within few minutes."""
    persons = draw(st.dictionaries(NODES, st.integers(1, 6)))
    standing = draw(st.lists(ends(), max_size=4, unique=True))
    new: list[Joining] = []
    for pair in draw(st.lists(ends(), max_size=14, unique=True)):
        if pair not in standing:
            at = NOW + timedelta(seconds=draw(st.integers(0, 150)))
            sources = sorted(draw(st.sets(st.integers(1, 3), min_size=1, max_size=2)))
            new.append(Joining(pair, at, tuple((7, source, minute_of(at)) for source in sources)))
    return persons, standing, new


def a_room(new: list[Joining], draw: st.DataObject) -> dict[Meter, int]:
    return {meter: draw.draw(st.integers(0, 3)) for one in new for meter in one.meters}


def parties(persons: dict[int, int], links: list[Ends]) -> int:
    """How many there are in whom somebody is, found by walking."""
    around: dict[int, set[int]] = {}
    of_one: dict[int, list[int]] = {}
    for node, person in persons.items():
        of_one.setdefault(person, []).append(node)
    together = [(nodes[0], other) for nodes in of_one.values() for other in nodes]
    for low, high in (*links, *together):
        around.setdefault(low, set()).add(high)
        around.setdefault(high, set()).add(low)
    seen: set[int] = set()
    found = 0
    for start in persons:
        found += start not in seen
        waiting = [start]
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting += around.get(node, ())
    return found


@many
@given(worlds(), st.data())
def test_case_30_no_source_merges_more_than_there_is_room_for(world, data):
    persons, standing, new = world
    room = a_room(new, data)
    found = merges(persons, standing, new, room)
    assert all(count <= room[meter] for meter, count in found.charged.items())
    let = [one.ends for one in new if one.ends not in found.beyond]
    merged = parties(persons, standing) - parties(persons, [*standing, *let])
    assert merged == found.charged.total(), "whoever ends in another is charged for, and nobody else"


@many
@given(worlds(), st.data())
def test_case_30_only_what_would_merge_more_is_held(world, data):
    persons, standing, new = world
    room = a_room(new, data)
    found = merges(persons, standing, new, room)
    let = [*standing, *(one.ends for one in new if one.ends not in found.beyond)]
    by_ends = {one.ends: one for one in new}
    for pair, meter in found.beyond.items():
        assert parties(persons, [*let, pair]) == parties(persons, let) - 1
        assert meter == by_ends[pair].meters[0]
        assert all(found.charged[one] == room[one] for one in by_ends[pair].meters)
    asked = merges(persons, standing, new)
    assert asked.beyond == {}
    enough = {meter: asked.charged[meter] for one in new for meter in one.meters}
    assert merges(persons, standing, new, enough) == asked


@many
@given(worlds(), st.data())
def test_case_30_the_order_in_which_links_are_given_does_not_matter(world, data):
    persons, standing, new = world
    room = a_room(new, data)
    shuffled = data.draw(st.permutations(new))
    assert merges(persons, data.draw(st.permutations(standing)), shuffled, room) == merges(persons, standing, new, room)


def test_case_30_a_link_that_is_refused_is_held_only_where_it_would_merge_without_room():
    meter = 7, 1, minute_of(NOW)
    persons = {1: 1, 2: 2, 3: 3}
    refused = [Joining(pair, NOW, (meter,)) for pair in ((1, 2), (1, 3), (3, 4))]
    full = merges(persons, [(1, 2)], [], {meter: 0}, refused)
    assert full == (Counter(), {(1, 3): meter})
    assert merges(persons, [(1, 2)], [], {meter: 1}, refused).beyond == {}
