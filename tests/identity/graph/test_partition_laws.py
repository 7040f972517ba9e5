"""The laws of the assignment rule, on the pure function."""

from collections import Counter
from collections.abc import Sequence
from itertools import permutations
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.identity.domain.assignment import assign
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.graph import Link, LinkState
from services.identity.domain.links import LinkFacts, link_pairs, once_each, pairs
from services.identity.domain.partition import Partition, graph_of, partition
from services.identity.domain.policy import PolicySet
from tests.identity.graph.worlds import (
    DENSE,
    EXAMPLES,
    FADING,
    GUARDED,
    NOW,
    an_identifier,
    evidence,
    histories,
    some_holds,
)

policy_sets = st.sampled_from([DENSE, FADING, GUARDED])
many = settings(max_examples=EXAMPLES, deadline=None)


@many
@given(histories(), policy_sets, st.data())
def test_id01_the_order_of_events_does_not_matter(events, policies, data):
    shuffled = data.draw(st.permutations(events))
    assert partition(shuffled, policies, NOW) == partition(events, policies, NOW)


@many
@given(histories(), policy_sets, st.data())
def test_it_does_not_matter_which_end_of_a_link_comes_first(events, policies, data):
    """A stored link's low end is the lower number, which need not be the first by name."""
    graph = graph_of(events, policies)
    turned = data.draw(st.sets(st.sampled_from(range(len(graph.links))))) if graph.links else set()
    links = [_turned(link) if position in turned else link for position, link in enumerate(graph.links)]
    result = assign(graph.nodes, graph.links, policies, NOW)
    other = assign(graph.nodes, links, policies, NOW)
    assert _said(other.states) == _said(result.states)
    assert (other.groups, other.shared, other.calm) == (result.groups, result.shared, result.calm)
    assert other.replaced == result.replaced
    assert sorted(other.recheck.values()) == sorted(result.recheck.values()), "any node of a region will do"


def _turned(link: Link) -> Link:
    return Link(link.high, link.low, {basis: _facts_turned(facts) for basis, facts in link.facts.items()})


def _facts_turned(facts: LinkFacts) -> LinkFacts:
    low, high = facts.replaced_low_at, facts.replaced_high_at
    return msgspec.structs.replace(facts, replaced_low_at=high, replaced_high_at=low)


def _said(states: Sequence[LinkState | None]) -> list[tuple[str, str] | None]:
    """Say states without their blockers, which follow the ends."""
    return [(state.state, state.reason) if state is not None else None for state in states]


def test_a_parent_that_is_unbound_takes_its_child_along_whichever_was_stored_first():
    union, other, openid = an_identifier("union", 1), an_identifier("union", 2), an_identifier("openid", 1, "app1")
    events = [
        evidence(1, union, openid, kind="bind", at=1),
        evidence(2, other, openid, kind="bind", at=2),
        evidence(3, union, other, kind="unbind", at=3),
    ]
    graph = graph_of(events, DENSE)
    for links in ([*graph.links], [_turned(link) for link in graph.links]):
        states = assign(graph.nodes, links, DENSE, NOW).states
        assert [state.reason for state in states if state is not None and state.state == "unbound"] == ["parent"] * 2


@many
@given(histories(), st.randoms(use_true_random=False), st.data())
def test_with_links_in_quarantine_the_order_of_events_does_not_matter_either(events, chance, data):
    holds = some_holds(chance, events, GUARDED)
    result = partition(events, GUARDED, NOW, None, holds)
    shuffled = [*data.draw(st.permutations(events)), *data.draw(st.lists(st.sampled_from(events), max_size=5))]
    assert partition(shuffled, GUARDED, NOW, None, holds) == result
    for pair, why in result.refused.items():
        waits = {"held": "rate", "throttled": "source_rate"}.get(holds.get(pair, ""))
        assert (waits is not None) == (why.state == "quarantined" and why.reason != "size")
        assert waits in {None, why.reason}
    assert not result.active & {pair for pair, hold in holds.items() if hold != "released"}


@many
@given(histories())
def test_nobody_is_larger_than_allowed_but_by_links_that_were_released(events):
    result = partition(events, GUARDED, NOW)
    assert max(map(size, result.persons)) <= 3
    too_large = {pair: "released" for pair, why in result.refused.items() if why.reason == "size"}
    for pair in too_large:
        assert sum(size(result.person_of(end)) for end in pair) > 3
    freed = partition(events, GUARDED, NOW, None, too_large)
    assert all(freed.refused[pair].reason != "size" for pair in too_large if pair in freed.refused)


def size(person: frozenset[Identifier]) -> int:
    return sum(DENSE.of(one.namespace).bridges for one in person)


@many
@given(histories(), st.randoms(use_true_random=False))
def test_of_a_link_in_quarantine_nothing_counts_but_that_two_are_kept_apart(events, chance):
    holds = {pair: hold for pair, hold in some_holds(chance, events, DENSE).items() if hold == "held"}
    told = [
        msgspec.structs.replace(event, event_id=UUID(int=1_000 * number + part), identifiers=(one, other))
        for number, event in enumerate(events)
        for part, (one, other) in enumerate(pairs(event, DENSE))
    ]
    without = [event for event in told if event.kind == "cannot_link" or tuple(sorted(event.identifiers)) not in holds]
    seen = sorted({one for event in events for one in event.identifiers})
    alone = [evidence(10**9 + number, one, kind="observe", tier=3) for number, one in enumerate(seen)]
    assert (
        partition([*told, *alone], DENSE, NOW, None, holds).persons
        == partition([*without, *alone], DENSE, NOW, None, holds).persons
    )


def test_of_two_decisions_in_the_way_the_same_one_is_told_in_any_order():
    one, other, tel, cookie = (
        an_identifier(*named) for named in (("account", 0), ("account", 1), ("tel", 1), ("cookie", 1))
    )
    events = [
        evidence(1, one, tel, tier=0),
        evidence(2, other, cookie),
        evidence(3, tel, cookie, kind="cannot_link", tier=0),
        evidence(4, one, cookie, kind="cannot_link", tier=0),
        evidence(5, one, cookie, kind="observe", tier=3),
        evidence(6, one, an_identifier("tel", 9), kind="cannot_link", tier=0),
    ]
    assert len({str(partition(order, DENSE, NOW).refused[one, cookie]) for order in permutations(events)}) == 1


@many
@given(histories(), policy_sets, st.data())
def test_id02_repeated_events_change_nothing(events, policies, data):
    repeats = data.draw(st.lists(st.sampled_from(events), max_size=10))
    assert partition([*events, *repeats], policies, NOW) == partition(events, policies, NOW)


@many
@given(histories(), policy_sets)
def test_id05_every_identifier_is_in_exactly_one_person(events, policies):
    seen = {one for event in events for one in event.identifiers}
    counted = Counter(one for person in partition(events, policies, NOW).persons for one in person)
    assert counted == Counter(seen)


@many
@given(histories(), policy_sets)
def test_id06_no_person_exceeds_a_cap(events, policies):
    result = partition(events, policies, NOW)
    replaced = {one for event in events if event.kind == "supersede" for one in event.identifiers}
    for person in result.persons:
        accounts = [one for one in person if one.namespace == "account" and one not in replaced]
        assert len(accounts) <= 1
        assert sum(one.namespace == "union" for one in person) <= 2
        assert sum(one.namespace == "tel" for one in person) <= 3
        for scope in ("app1", "app2"):
            assert sum(one.namespace == "openid" and one.scope == scope for one in person) <= 2


@many
@given(histories(), policy_sets)
def test_id07_no_active_link_touches_a_hub_and_a_hub_is_alone(events, policies):
    result = partition(events, policies, NOW)
    for pair in result.active:
        assert not result.shared & set(pair)
    for hub in result.shared:
        assert result.person_of(hub) == {hub}


@many
@given(histories(), policy_sets)
def test_id07_a_hub_is_what_its_definition_says(events, policies):
    result = partition(events, policies, NOW)
    replaced = {one for event in events if event.kind == "supersede" for one in event.identifiers[:1]}
    reached: dict[Identifier, set[Identifier]] = {}
    alive = [
        *result.active,
        *(
            pair
            for pair, why in result.refused.items()
            if why.state in {"suppressed", "shared"} | ({"retracted"} if why.reason == "corrected" else set())
            and why.reason not in {"inferred", "consent"}
        ),
    ]
    for one, other in alive:
        reached.setdefault(one, set()).add(other)
        reached.setdefault(other, set()).add(one)
    for node, others in reached.items():
        policy = policies.of(node.namespace)
        if policy.hub_threshold is None or replaced & others:
            continue
        counted = {
            other
            for other in others
            if (
                policies.of(other.namespace).is_singleton
                if policy.bridges
                else policies.of(other.namespace).priority <= 3
            )
        }
        assert (node in result.shared) == (len(counted) > policy.hub_threshold)


@many
@given(histories(), policy_sets)
def test_id08_persons_are_held_together_by_links_that_have_evidence(events, policies):
    result = partition(events, policies, NOW)
    witnessed = {pair for event in events for pair, _ in link_pairs(event, policies)}
    assert result.active <= witnessed
    assert components(result) == result.persons


def components(result: Partition) -> frozenset[frozenset[Identifier]]:
    groups = {one: {one} for person in result.persons for one in person}
    for one, other in result.active:
        if groups[one] is not groups[other]:
            groups[one] |= groups[other]
            for member in groups[other]:
                groups[member] = groups[one]
    return frozenset(frozenset(group) for group in groups.values())


@many
@given(histories(), policy_sets)
def test_id08_a_refused_link_names_who_stands_in_the_way(events, policies):
    result = partition(events, policies, NOW)
    for (one, other), refused in result.refused.items():
        if refused.state != "suppressed" or refused.reason in {"inferred", "consent"}:
            continue
        assert result.person_of(one) != result.person_of(other)
        assert refused.blockers is not None
        mine, theirs = refused.blockers
        assert mine in result.person_of(one)
        assert theirs in result.person_of(other)
        if refused.reason.startswith("limit:"):
            assert {mine.namespace, theirs.namespace} == {refused.reason.removeprefix("limit:")}


@many
@given(histories(), policy_sets, st.data())
def test_id12_an_event_changes_only_persons_of_its_raw_component(events, policies, data):
    position = data.draw(st.integers(0, len(events) - 1))
    event = events[position]
    without = [one for one in events if one is not event]
    touched = raw_component(events, policies, set(event.identifiers))
    before, after = partition(without, policies, NOW), partition(events, policies, NOW)
    for person in after.persons:
        if not person & touched:
            assert person in before.persons


def raw_component(events: list[Evidence], policies: PolicySet, start: set[Identifier]) -> set[Identifier]:
    reached = set(start)
    grown = True
    while grown:
        grown = False
        for other in events:
            for pair in pairs(other, policies):
                if reached & set(pair) and not reached >= set(pair):
                    reached |= set(pair)
                    grown = True
    return reached


@many
@given(histories(), policy_sets)
def test_id12_each_raw_component_can_be_rebuilt_alone(events, policies):
    whole = partition(events, policies, NOW)
    left = {one for event in events for one in event.identifiers}
    persons: set[frozenset[Identifier]] = set()
    while left:
        touched = raw_component(events, policies, {min(left)})
        inside = [one for one in once_each(events) if touched & set(one.identifiers)]
        persons |= {person for person in partition(inside, policies, NOW).persons if person <= touched}
        left -= touched
    assert persons == whole.persons
