"""What histories are made of: a definition, some persons, and steps."""

from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from services.segment.domain.fault import InvalidDefinition
from tests.segment.columnar import parsed
from tests.segment.generated_tests import own_day_tests
from tests.segment.generated_values import FAR_ZONES, NAMES, OWN_ZONES, TRAITS, own_times, pick, values
from tests.segment.generators import definitions, people, properties
from tests.segment.oracle import Person

STEPS = 5
MOST_PERSONS = 3
_persons = st.integers(0, MOST_PERSONS - 1)
_times_near_now = st.tuples(
    st.just("when"), _persons, pick([*OWN_ZONES, *FAR_ZONES]), pick([-25, -13, -6, -1, 0, 1, 6, 13, 25])
)
_times_near_days = st.tuples(st.just("trait"), _persons, st.just("when"), own_times)
_steps = st.one_of(
    st.tuples(st.just("event"), _persons, pick(NAMES), st.sampled_from([0, 0, 0, -1, -5, -30, -200, 7]), properties),
    st.tuples(st.just("trait"), _persons, pick(TRAITS[:5]), values),
    st.tuples(st.just("trait"), _persons, st.just("timezone"), pick([*OWN_ZONES, *FAR_ZONES, "", None])),
    _times_near_now,
    st.tuples(st.just("account"), _persons, pick(TRAITS[:3]), values),
    st.tuples(st.just("merge"), _persons, _persons),
    st.tuples(st.just("split"), _persons),
    st.just(("nothing",)),
)


_months = pick(["1 month", "1 month", "3 months", "1 year"])
_relative = ["within_last", "within_next"]
_of_months = st.one_of(
    st.builds(
        lambda kind, name, span: {kind: [{"did": name, "window": {"last": span}}]},
        pick(["all", "none"]),
        pick(NAMES),
        _months,
    ),
    st.builds(
        lambda op, span: {"trait": "when", "op": op, "span": span}, pick(["within_last", "within_next"]), _months
    ),
    st.builds(lambda name, span: {"stopped": name, "quiet": span}, pick(NAMES), _months),
    st.builds(lambda name, span: {"regularly": name, "period": span, "periods": 1}, pick(NAMES), _months),
)


_of_own_days = st.builds(lambda kind, test: {kind: [{"trait": "when", **test}]}, pick(["all", "none"]), own_day_tests)


def _valid(definition: Any) -> bool:
    try:
        parsed(definition)
    except InvalidDefinition:  # a window that ends before it begins
        return False
    return True


_persons_of_each = st.lists(people, min_size=2, max_size=MOST_PERSONS)
_usual = st.tuples(
    st.one_of(definitions.filter(_valid), definitions.filter(_valid), _of_months),
    _persons_of_each,
    st.lists(_steps, min_size=STEPS, max_size=STEPS),
)
_elsewhere = st.tuples(
    _of_own_days,
    _persons_of_each,
    st.lists(st.one_of(_times_near_now, _times_near_now, _times_near_days, _steps), min_size=STEPS, max_size=STEPS),
)
_histories = st.one_of(_usual, _usual, _usual, _elsewhere)
History = tuple[dict[str, Any], list[Person], list[tuple[Any, ...]]]


def some_histories(start: int, number: int) -> list[History]:
    """Return so many histories; the same ones for the same start."""
    found: list[History] = []

    @seed(start)
    @settings(
        max_examples=number, database=None, phases=[Phase.generate], deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(history=_histories)
    def collect(history: History) -> None:
        found.append(history)

    while len(found) < number:
        before = len(found)
        collect()
        if len(found) == before:
            break
    return found[:number]
