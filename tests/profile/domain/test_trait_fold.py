"""The fold is a function of the set of facts."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.profile.domain.trait import Fact, RuleKind, TraitRule, View
from services.profile.domain.trait_advance import advance
from services.profile.domain.trait_fold import fold
from services.profile.domain.values import canonical, type_of

RULES: tuple[RuleKind, ...] = ("most_recent", "source_priority", "most_frequent", "first", "max", "union")
START = datetime(2026, 1, 1, tzinfo=UTC)
RANKS = {1: 10, 2: 20}
values = st.sampled_from(
    [1, 2, "gold", "silver", True, [1, 2], ["gold"], {"a": 1}, "2026-01-01", "2026-01-01T00:00:00Z"]
)
facts = st.builds(
    lambda number, subject, source, minutes, kind, value: Fact(
        event_id=UUID(int=number),
        subject_no=subject,
        source_id=source,
        event_time=START + timedelta(minutes=minutes),
        kind=kind,
        type="text" if kind == "unset" else type_of(value),
        value=b"null" if kind == "unset" else canonical(value),
    ),
    st.integers(1, 10_000),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(0, 6),
    st.sampled_from(["set", "set", "set", "set_once", "unset"]),
    values,
)
fact_lists = st.lists(facts, max_size=12, unique_by=lambda f: f.event_id)
rules = st.builds(
    TraitRule,
    kind=st.sampled_from(RULES),
    type=st.sampled_from([None, None, "text", "number", "list"]),
    sources=st.sampled_from([(), (3,), (3, 2)]),
)


@given(fact_lists, rules, st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(known, rule, random):
    shuffled = known[:]
    random.shuffle(shuffled)
    assert fold(shuffled, rule, RANKS) == fold(known, rule, RANKS)


@given(fact_lists, rules)
def test_a_fact_told_twice_counts_once(known, rule):
    assert fold(known + known, rule, RANKS) == fold(known, rule, RANKS)


@given(fact_lists, fact_lists, rules)
def test_a_merge_and_its_undoing_give_the_two_views_back(ours, theirs, rule):
    ours = [f for f in ours if f.subject_no <= 2]
    theirs = [f for f in theirs if f.subject_no > 2]
    before = fold(ours, rule, RANKS), fold(theirs, rule, RANKS)
    together = ours + theirs
    fold(together, rule, RANKS)
    after = (
        fold([f for f in together if f.subject_no <= 2], rule, RANKS),
        fold([f for f in together if f.subject_no > 2], rule, RANKS),
    )
    assert after == before


@given(fact_lists, fact_lists, rules)
def test_the_short_way_equals_the_fold_of_all_facts(known, new, rule):
    ids = {f.event_id for f in known}
    new = [f for f in new if f.event_id not in ids]
    view = fold(known, rule, RANKS)
    short = advance(view, new, rule) if view is not None else None
    if short is not None:
        assert short == fold(known + new, rule, RANKS)


def said(number: int, value: object, *, minute: int, source: int = 1, kind: str = "set") -> Fact:
    return Fact(
        event_id=UUID(int=number),
        subject_no=1,
        source_id=source,
        event_time=START + timedelta(minutes=minute),
        kind=kind,  # type: ignore[arg-type]
        type="text" if kind == "unset" else type_of(value),  # type: ignore[arg-type]
        value=canonical(value),  # type: ignore[arg-type]
    )


def folded(rule: TraitRule, *known: Fact) -> View:
    view = fold(known, rule, RANKS)
    assert view is not None
    return view


def test_the_most_recent_value_holds_since_it_was_first_repeated():
    view = folded(TraitRule(), said(1, "a", minute=1), said(2, "b", minute=2), said(3, "b", minute=3))
    assert (view.value, view.since, view.latest) == (b'"b"', START + timedelta(minutes=2), START + timedelta(minutes=3))


def test_equal_times_go_to_the_stronger_source_then_to_the_smaller_bytes():
    view = folded(TraitRule(), said(1, "z", minute=1, source=1), said(2, "a", minute=1, source=2))
    assert view.value == b'"z"'
    view = folded(TraitRule(), said(1, "z", minute=1), said(2, "a", minute=1))
    assert view.value == b'"a"'


def test_an_unset_removes_what_was_said_before_it_and_not_what_came_after():
    gone = folded(TraitRule(), said(1, "a", minute=1), said(2, None, minute=2, kind="unset"))
    assert gone.value is None
    back = folded(TraitRule(), said(1, "a", minute=1), said(2, None, minute=2, kind="unset"), said(3, "c", minute=3))
    assert back.value == b'"c"'


def test_a_weaker_source_cannot_unset_a_stronger_ones_word():
    rule = TraitRule(kind="source_priority")
    strong, weak = said(1, "crm", minute=1, source=1), said(2, None, minute=2, source=2, kind="unset")
    assert folded(rule, strong, weak).value == b'"crm"'
    assert folded(TraitRule(), strong, weak).value is None


def test_set_once_counts_only_where_nothing_was_set():
    once = said(1, "first", minute=1, kind="set_once")
    assert folded(TraitRule(), once, said(2, "later", minute=2, kind="set_once")).value == b'"first"'
    assert folded(TraitRule(), said(3, "set", minute=0), once).value == b'"set"'


def test_the_other_rules():
    known = (
        said(1, 3, minute=1, source=2),
        said(2, 10, minute=2, source=2),
        said(3, 3, minute=3, source=2),
        said(4, 7, minute=0, source=1),
    )
    results = {kind: folded(TraitRule(kind=kind), *known).value for kind in RULES}
    assert results == {
        "most_recent": b"3",
        "source_priority": b"7",
        "most_frequent": b"3",
        "first": b"7",
        "max": b"10",
        "union": b"[10,3,7]",
    }


def test_a_value_of_another_type_than_declared_is_kept_and_counted_but_does_not_win():
    view = folded(TraitRule(type="number"), said(1, 5, minute=1), said(2, "five", minute=2))
    assert (view.value, view.conflicts) == (b"5", 1)
    assert folded(TraitRule(), said(1, 5, minute=1), said(2, "five", minute=2)).conflicts == 1
