"""What is said of a person's consent answers every question as the ledger does, now and later."""

from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.profile.domain.consent import Scope, Statement, verdict_of_person
from services.profile.domain.consent_outlook import MOST_SCOPES, outlooks

START = datetime(2026, 1, 1, tzinfo=UTC)
PURPOSES, CHANNELS, TOPICS = ("*", "marketing", "service"), ("*", "email", "sms"), ("", "news", "sport")
QUESTIONS = [Scope(*parts) for parts in product(PURPOSES, CHANNELS, TOPICS)]

scopes = st.sampled_from(QUESTIONS)
statements = st.builds(
    lambda number, scope, state, minute, expires: Statement(
        UUID(int=number),
        scope,
        state,
        START + timedelta(minutes=minute),
        None if expires is None else START + timedelta(minutes=expires),
    ),
    st.integers(1, 10_000),
    scopes,
    st.sampled_from(["granted", "granted", "denied", "withdrawn"]),
    st.integers(0, 6),
    st.sampled_from([None, None, 3, 20, 40, 60]),
)
ledgers = st.dictionaries(st.integers(1, 3), st.lists(statements, max_size=5), max_size=3)


def read(said, question, now):
    """What somebody who hears `said` takes to be the answer: the narrowest scope that covers the question."""
    present = {}
    for scope, outlook in said.items():
        over = outlook.until is not None and outlook.until <= now
        state = outlook.after if over else outlook.state
        if scope.covers(question) and state != "unknown":
            present[scope] = state
    narrowest = [scope for scope in present if all(other.covers(scope) for other in present)]
    assert len(narrowest) == (1 if present else 0), present
    return present[narrowest[0]] if present else "unknown"


@given(ledger=ledgers, said_at=st.integers(7, 70), later=st.integers(0, 70))
def test_the_narrowest_scope_said_answers_every_question_as_the_ledger_does(ledger, said_at, later):
    now = START + timedelta(minutes=said_at)
    said = outlooks(ledger, now)
    for question in QUESTIONS:
        for instant in (now, now + timedelta(minutes=later)):
            truth = verdict_of_person(ledger, question, instant).state
            heard = read(said, question, instant)
            # which word a "no" was said with may change as grants run out; that it is one may not
            assert (heard == truth) if instant == now else (_class(heard) == _class(truth)), (question, instant)


def _class(state):
    return "no" if state in ("denied", "withdrawn") else state


def test_a_yes_ends_in_the_no_it_had_lifted_or_in_silence():
    no = Statement(UUID(int=1), Scope("marketing", "email"), "denied", START)
    end = START + timedelta(minutes=5)
    yes = Statement(UUID(int=2), Scope("marketing", "email"), "granted", START + timedelta(minutes=1), end)
    now = START + timedelta(minutes=2)
    lifted = outlooks({1: [no, yes]}, now)[Scope("marketing", "email")]
    assert (lifted.state, lifted.until, lifted.after) == ("granted", end, "denied")
    alone = outlooks({1: [yes]}, now)[Scope("marketing", "email")]
    assert (alone.state, alone.until, alone.after) == ("granted", end, "unknown")
    renewed = Statement(UUID(int=3), Scope("*", "*"), "granted", START + timedelta(minutes=1))
    assert outlooks({1: [yes, renewed]}, now)[Scope("marketing", "email")].until is None


def test_of_a_person_about_whom_too_much_is_named_only_that_is_said():
    named = [Scope(f"p{n}", "*") for n in range(60)] + [Scope("*", f"c{n}") for n in range(60)]
    said = outlooks({1: [Statement(UUID(int=n + 1), scope, "granted", START) for n, scope in enumerate(named)]}, START)
    assert set(said) == set(named) and len(named) ** 2 / 4 > MOST_SCOPES
