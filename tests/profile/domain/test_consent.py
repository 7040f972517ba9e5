"""What the ledger answers."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.profile.domain.consent import (
    Scope,
    Statement,
    is_allowed,
    is_opt_out,
    verdict_of_identifier,
    verdict_of_person,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=1)
QUESTION = Scope("marketing", "email", "news")
EMAIL = Scope("marketing", "email")


def line(number: int, state: str, *, minute: int, scope: Scope = EMAIL, expires: int | None = None):
    return Statement(
        statement_id=UUID(int=number),
        scope=scope,
        state=state,
        event_time=START + timedelta(minutes=minute),
        expires_at=None if expires is None else START + timedelta(minutes=expires),
    )


scopes = st.sampled_from(
    [
        Scope("*", "*"),
        Scope("marketing", "*"),
        Scope("*", "email"),
        Scope("marketing", "email"),
        QUESTION,
        Scope("marketing", "sms"),
    ]
)
lines = st.builds(
    lambda number, state, minute, scope, expires: line(number, state, minute=minute, scope=scope, expires=expires),
    st.integers(1, 1000),
    st.sampled_from(["granted", "denied", "withdrawn"]),
    st.integers(0, 5),
    scopes,
    st.sampled_from([None, None, 3, 10_000]),
)
ledgers = st.lists(lines, max_size=8, unique_by=lambda s: s.statement_id)
by_identifier = st.dictionaries(st.integers(1, 4), ledgers, max_size=4)


@given(ledgers, st.randoms(use_true_random=False))
def test_the_order_and_the_repetition_of_lines_do_not_matter(known, random):
    shuffled = known + known[:3]
    random.shuffle(shuffled)
    assert verdict_of_identifier(shuffled, QUESTION, NOW).state == verdict_of_identifier(known, QUESTION, NOW).state


@given(by_identifier)
def test_a_person_is_denied_when_any_identifier_is(known):
    states = {verdict_of_identifier(lines, QUESTION, NOW).state for lines in known.values()}
    person = verdict_of_person(known, QUESTION, NOW).state
    assert (person in ("denied", "withdrawn")) == bool(states & {"denied", "withdrawn"})
    assert (person == "granted") == ("granted" in states and not states & {"denied", "withdrawn"})


@given(by_identifier, by_identifier)
def test_a_merge_never_allows_what_a_side_denied(ours, theirs):
    theirs = {number + 10: lines for number, lines in theirs.items()}
    sides = {verdict_of_person(side, QUESTION, NOW).state for side in (ours, theirs)}
    merged = verdict_of_person(ours | theirs, QUESTION, NOW).state
    if sides & {"denied", "withdrawn"}:
        assert merged in ("denied", "withdrawn")


@given(ledgers, st.integers(6, 9))
def test_a_new_grant_for_the_very_question_always_wins_on_its_identifier(known, minute):
    grant = line(5000, "granted", minute=minute, scope=QUESTION)
    assert verdict_of_identifier([*known, grant], QUESTION, NOW).state == "granted"


def test_a_narrow_yes_reopens_a_broad_no_but_a_broad_yes_does_not_undo_a_narrow_no():
    broad_no = line(1, "withdrawn", minute=1, scope=Scope("*", "*"))
    narrow_yes = line(2, "granted", minute=2, scope=QUESTION)
    assert verdict_of_identifier([broad_no, narrow_yes], QUESTION, NOW).state == "granted"
    assert verdict_of_identifier([broad_no, narrow_yes], Scope("marketing", "email"), NOW).state == "withdrawn"
    narrow_no = line(3, "denied", minute=1, scope=QUESTION)
    broad_yes = line(4, "granted", minute=2)
    assert verdict_of_identifier([narrow_no, broad_yes], QUESTION, NOW).state == "denied"


def test_the_denial_wins_at_equal_times():
    assert (
        verdict_of_identifier([line(1, "granted", minute=1), line(2, "denied", minute=1)], QUESTION, NOW).state
        == "denied"
    )


def test_an_expired_grant_counts_as_never_given():
    known = [line(1, "denied", minute=1), line(2, "granted", minute=2, expires=3)]
    assert verdict_of_identifier(known, QUESTION, NOW).state == "denied"
    assert verdict_of_identifier(known[1:], QUESTION, NOW).state == "unknown"


def test_opt_out_must_be_declared_and_only_helps_where_nothing_was_said():
    declared = {("service", "*"): True, ("service", "sms"): False}
    assert is_opt_out(Scope("service", "email"), declared)
    assert not is_opt_out(Scope("service", "sms"), declared)
    assert not is_opt_out(QUESTION, declared)
    assert is_allowed("unknown", opt_out=True)
    assert not is_allowed("unknown", opt_out=False)
    assert not is_allowed("withdrawn", opt_out=True)
