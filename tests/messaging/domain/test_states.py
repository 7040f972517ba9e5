"""Reports may come in any order and any number of times."""

from functools import reduce
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from services.messaging.domain.provider_errors import CanonicalError, code_table
from services.messaging.domain.states import State, later

states = st.sampled_from(get_args(State))


@given(st.lists(states, min_size=1, max_size=8), st.randoms())
def test_the_state_after_some_reports_depends_on_neither_order_nor_repeats(said: list[State], random: object) -> None:
    shuffled = said * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert reduce(later, shuffled) == reduce(later, said)


def test_delivered_beats_a_failure_whichever_came_first() -> None:
    assert later("delivered", "failed") == later("failed", "delivered") == "delivered"


def test_what_was_dropped_stays_dropped() -> None:
    assert all(later("dropped", state) == "dropped" for state in get_args(State))


def test_smtp_codes_read_as_canonical_errors() -> None:
    table = code_table("smtp")
    assert table.canonical("5.1.1", "550") is CanonicalError.ADDRESS_BAD
    assert table.canonical("5.7.26", "550") is CanonicalError.CONTENT
    assert table.canonical("4.2.2", "452") is CanonicalError.RATE_SHORT
    assert table.canonical("5.2.2", "552") is CanonicalError.RATE_SHORT
    assert table.canonical("550") is CanonicalError.ADDRESS_BAD
    assert table.canonical("535") is CanonicalError.AUTH_DENIED
    assert table.canonical("299") is CanonicalError.RATE_SHORT
