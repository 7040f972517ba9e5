"""What is allowed with an identifier, and since when."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.profile.domain.consent import Scope, verdict_of_identifier
from services.profile.domain.permission import permissions_of
from tests.profile.domain.test_consent import START, line

LINKING, EVERY = Scope("linking", "*"), Scope("*", "*")
lines = st.builds(
    lambda number, state, minute, scope, expires: line(number, state, minute=minute, scope=scope, expires=expires),
    st.integers(1, 1000),
    st.sampled_from(["granted", "denied", "withdrawn"]),
    st.integers(0, 6),
    st.sampled_from(
        [LINKING, EVERY, Scope("profiling", "*"), Scope("linking", "email"), Scope("linking", "*", "news")]
    ),
    st.sampled_from([None, None, 3, 9]),
)
ledgers = st.lists(lines, max_size=8, unique_by=lambda s: s.statement_id)


@given(ledgers, st.integers(-2, 24))
def test_at_every_instant_the_steps_say_what_the_ledger_up_to_then_says(known, half_minutes):
    at = START + timedelta(seconds=30 * half_minutes)
    found = permissions_of(known)
    named = {s.scope.purpose for s in known if s.scope.channel == "*" and not s.scope.topic}
    for purpose in named:
        told = next((step.state for step in reversed(found.get(purpose, ())) if step.since <= at), "unknown")
        up_to_then = [s for s in known if s.event_time <= at]
        said = verdict_of_identifier(up_to_then, Scope(purpose, "*"), at).state
        assert told == ("withdrawn" if said == "denied" else said)
    assert found.keys() <= named


@given(ledgers, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_lines_matters(known, random):
    shuffled = known + known[:2]
    random.shuffle(shuffled)
    assert permissions_of(shuffled) == permissions_of(known)


def test_a_word_about_one_channel_says_nothing_about_linking():
    assert permissions_of([line(1, "withdrawn", minute=1, scope=Scope("linking", "email"))]) == {}


def test_a_narrow_grant_reopens_for_its_time_what_a_broad_withdrawal_closed():
    found = permissions_of([
        line(1, "withdrawn", minute=1, scope=EVERY), line(2, "granted", minute=2, scope=LINKING, expires=5),
    ])  # fmt: skip
    minutes = [START + timedelta(minutes=minute) for minute in (1, 2, 5)]
    assert [step.since for step in found["linking"]] == minutes
    assert [step.state for step in found["linking"]] == ["withdrawn", "granted", "withdrawn"]
    assert [step.state for step in found["*"]] == ["withdrawn"]
