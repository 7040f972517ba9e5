"""Ownership is painted over time by version."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.profile.domain.ownership import BEGINNING, END, OwnershipFact, held_then, intervals

START = datetime(2026, 1, 1, tzinfo=UTC)


def fact(
    version: int, person_no: int, *, since: int | None = None, until: int | None = None, received: int = 0
) -> OwnershipFact:
    return OwnershipFact(
        subject_no=1,
        version=version,
        person_no=person_no,
        received_at=START + timedelta(hours=received),
        since=None if since is None else START + timedelta(hours=since),
        until=None if until is None else START + timedelta(hours=until),
    )


facts = st.lists(
    st.builds(
        lambda version, person, since, received: fact(version, person, since=since, received=received),
        st.integers(0, 6),
        st.integers(1, 3),
        st.one_of(st.none(), st.integers(0, 5)),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda f: (f.version, f.since),
)


@given(facts, st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(known, random):
    shuffled = known[:]
    random.shuffle(shuffled)
    assert intervals(shuffled) == intervals(known)
    assert held_then(shuffled, 1, START, surely=True) == held_then(known, 1, START, surely=True)


@given(facts)
def test_at_every_instant_exactly_one_person_owns_an_identifier(known):
    found = intervals(known)
    assert found[0].valid_from == BEGINNING
    assert found[-1].valid_to == END
    for left, right in pairwise(found):
        assert left.valid_to == right.valid_from
        assert left.person_no != right.person_no


@given(facts)
def test_the_greatest_version_without_a_beginning_owns_everything_before_newer_ones(known):
    newest = max(known, key=lambda f: (f.version, f.since or BEGINNING))
    if newest.since is None:
        assert [i.person_no for i in intervals(known)] == [newest.person_no]


def test_a_device_that_changes_hands_keeps_its_history():
    found = intervals([fact(1, 7), fact(2, 8, since=3), fact(3, 9, since=5)])
    assert [i.person_no for i in found] == [7, 8, 9]


def test_late_evidence_fills_its_own_interval_and_leaves_the_present_owner():
    known = [fact(1, 7), fact(2, 8, since=6), fact(3, 9, since=2, until=4)]
    assert [i.person_no for i in intervals(known)] == [7, 9, 7, 8]
    later = START + timedelta(hours=1)
    assert held_then(known, 8, later, surely=True)
    assert not held_then(known, 9, later, surely=False)


def test_what_was_known_then_is_what_had_been_received_then():
    known = [fact(1, 7, received=1), fact(2, 8, received=4)]
    held = [held_then(known, 7, START + timedelta(hours=h), surely=True) for h in (0, 1, 3, 4, 5)]
    assert held == [True, True, True, False, False]
    assert held_then(known, 8, START + timedelta(hours=5), surely=True)


def test_in_the_instant_of_a_move_both_may_have_held_it_and_neither_surely():
    known = [fact(1, 7, received=1), fact(2, 8, received=4)]
    instant = START + timedelta(hours=4)
    assert [held_then(known, person, instant, surely=False) for person in (7, 8)] == [True, True]
    assert [held_then(known, person, instant, surely=True) for person in (7, 8)] == [False, False]


@given(facts, st.lists(st.integers(1, 3), max_size=4), st.integers(1, 3))
def test_what_a_statement_brings_about_in_its_instant_cannot_take_it_back(known, owners, person):
    instant = START + timedelta(hours=3)
    reached = held_then(known, person, instant, surely=False)
    covered = held_then(known, person, instant, surely=True)
    for number, owner in enumerate(owners):
        known = [*known, fact(10 + number, owner, received=3)]
        assert held_then(known, person, instant, surely=False) or not reached
        assert covered or not held_then(known, person, instant, surely=True)
        reached, covered = (held_then(known, person, instant, surely=surely) for surely in (False, True))
