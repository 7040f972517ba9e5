"""What identity says of whose an identifier is, painted over event time, against the plain definition."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from libs.common.painting import BEGINNING, END, owner_at, paint, repainted

START = datetime(2026, 1, 1, tzinfo=UTC)


class Said(NamedTuple):
    version: int
    person_no: int
    since: datetime | None = None
    until: datetime | None = None


def hour(number: int) -> datetime:
    return START + timedelta(hours=number)


@st.composite
def some_facts(draw: st.DrawFn) -> list[Said]:
    """Facts as identity tells them: the first version says all of time, the intervals of a version do not overlap."""
    found = [Said(0, draw(st.integers(1, 3)))]
    for version in range(1, draw(st.integers(1, 6))):
        edges = sorted(draw(st.sets(st.integers(0, 8), max_size=4)))
        bounds = [None, *map(hour, edges), None]
        for since, until in pairwise(bounds):
            if draw(st.booleans()):
                found.append(Said(version, draw(st.integers(1, 3)), since, until))
    return found


def plainly(facts: list[Said], at: datetime) -> int:
    covering = [one for one in facts if (one.since or BEGINNING) <= at < (one.until or END)]
    return max(covering, key=lambda one: one.version).person_no


@given(some_facts(), st.randoms(use_true_random=False))
def test_the_greatest_version_that_reaches_an_instant_owns_it_in_whatever_order_it_is_said(facts, random):
    shuffled = facts[:]
    random.shuffle(shuffled)
    painted = paint(shuffled)
    assert painted == paint(facts)
    assert (painted[0].valid_from, painted[-1].valid_to) == (BEGINNING, END)
    for left, right in pairwise(painted):
        assert left.valid_to == right.valid_from
        assert left.person_no != right.person_no
    for number in range(-1, 10):
        at = hour(number) + timedelta(minutes=30)
        assert owner_at(painted, at) == plainly(facts, at)


@given(some_facts(), some_facts())
def test_what_changed_said_under_a_new_version_repaints_one_picture_into_another(facts, others):
    before, after = paint(facts), paint(others)
    changed = [
        Said(99, new.person_no, None if new.valid_from == BEGINNING else new.valid_from,
             None if new.valid_to == END else new.valid_to)
        for new, _ in repainted(before, after)
    ]  # fmt: skip
    assert paint([*facts, *changed]) == after
    assert all(new.person_no != old for new, old in repainted(before, after))


def test_what_nothing_reaches_is_the_last_owners_and_before_everything_the_first_ones():
    painted = paint([Said(2, 8, hour(1), hour(2)), Said(3, 9, hour(4), hour(5))])
    assert [one.person_no for one in painted] == [8, 9]
    assert painted[0].valid_to == hour(4)
