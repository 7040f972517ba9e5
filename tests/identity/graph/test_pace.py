"""How many events the resolver takes at once."""

from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.pace import LEAST, MOST, next_size

BUDGET = 0.05


def after(rounds: int, seconds_each: float, seconds_fixed: float, size: int = LEAST) -> int:
    """Return the size after rounds of full batches whose events and whose transaction cost so much."""
    for _ in range(rounds):
        size = next_size(size, size, seconds_fixed + seconds_each * size, budget_seconds=BUDGET)
    return size


@given(st.floats(5e-6, 5e-3), st.floats(1e-4, 0.02))
def test_batches_come_to_last_as_long_as_the_budget_or_are_as_small_or_large_as_may_be(each, fixed):
    size = after(40, each, fixed)
    lasts = fixed + each * size
    assert size in {LEAST, MOST} or 0.8 * BUDGET <= lasts <= 1.05 * BUDGET
    assert size != LEAST or fixed + each * LEAST >= 0.6 * BUDGET
    assert size != MOST or lasts <= 1.05 * BUDGET


def test_one_slow_batch_is_answered_at_once_and_trust_comes_back_by_and_by():
    assert next_size(MOST, MOST, 1.0, budget_seconds=BUDGET) == LEAST
    assert next_size(LEAST, LEAST, 0.001, budget_seconds=BUDGET) == LEAST * 3 // 2


@given(st.integers(LEAST, MOST), st.floats(0, 10))
def test_a_batch_that_was_not_full_says_nothing(size, seconds):
    assert next_size(size, size - 1, seconds, budget_seconds=BUDGET) == size
