"""What Hypothesis makes tests of one value of."""

from typing import Any

from hypothesis import strategies as st

from tests.segment.generated_values import (
    SPOTS,
    folding,
    near_times,
    operands,
    orderables,
    own_days,
    own_times,
    pick,
    spans,
    texts,
    times,
)

value_tests = st.one_of(
    st.builds(
        lambda op, value, fold: {"op": op, "value": value, **fold}, pick(["equals", "not_equals"]), operands, folding
    ),
    st.builds(
        lambda op, value, fold: {"op": op, "value": value, **fold},
        pick(["in", "not_in", "has_any", "has_all", "has_none"]),
        st.lists(operands, min_size=1, max_size=3),
        folding,
    ),
    st.builds(lambda op, value: {"op": op, "value": value}, pick(["gt", "gte", "lt", "lte"]), orderables),
    st.builds(lambda low, high: {"op": "between", "value": [low, high]}, orderables, orderables),
    st.builds(lambda low, high: {"op": "between", "value": [low, high]}, times, times),
    st.builds(
        lambda op, value, fold: {"op": op, "value": value, **fold},
        pick(["contains", "not_contains", "starts_with", "ends_with"]),
        texts.filter(bool),
        folding,
    ),
    st.builds(
        lambda value, fold: {"op": "matches", "value": value, **fold}, pick(["lu", "^B", "[0-9]+$", "s{2}"]), folding
    ),
    pick([{"op": "exists"}, {"op": "missing"}]),
    st.builds(
        lambda spot, radius: {"op": "within_circle", "center": {"lat": spot[0], "lon": spot[1]}, "radius_m": radius},
        pick(SPOTS),
        pick([0, 5000, 20_000, 9_000_000]),
    ),
    st.builds(
        lambda corners: {"op": "within_polygon", "corners": [{"lat": lat, "lon": lon} for lat, lon in corners]},
        st.lists(pick([*SPOTS, (31, 121), (32, 121), (31, 122), (-40, 100), (60, 10)]), min_size=3, max_size=5),
    ),
    st.builds(lambda op, value: {"op": op, "value": value}, pick(["before", "after"]), times),
)


def by_clock(zones: st.SearchStrategy[dict[str, str]]) -> st.SearchStrategy[dict[str, Any]]:
    """Return tests that read calendars and clocks in a zone."""
    bounds = st.one_of(times, near_times, own_times, own_days)
    return st.one_of(
        st.builds(
            lambda period, offset, zone: {"op": "in_period", "period": period, "offset": offset, **zone},
            pick(["day", "week", "month", "quarter", "year"]),
            st.integers(-2, 1),
            zones,
        ),
        st.builds(lambda op, value, zone: {"op": op, "value": value, **zone}, pick(["before", "after"]), bounds, zones),
        st.builds(lambda low, high, zone: {"op": "between", "value": [low, high], **zone}, bounds, bounds, zones),
        st.builds(lambda days, zone: {"op": "anniversary", "in_days": days, **zone}, st.integers(-3, 3), zones),
    )


clock_tests = st.one_of(
    st.builds(lambda op, span: {"op": op, "span": span}, pick(["within_last", "within_next", "more_than_ago"]), spans),
    by_clock(pick([{}, {"zone": "person"}, {"zone": "person"}, {"zone": "workspace"}])),
    st.builds(
        lambda value, key, span: {"op": "has_been", "value": value, key: span},
        operands,
        pick(["for_at_least", "for_less_than"]),
        spans,
    ),
)
own_clock_tests = by_clock(st.just({"zone": "person"}))
own_day_tests = st.one_of(
    st.builds(
        lambda period, offset: {"op": "in_period", "period": period, "offset": offset, "zone": "person"},
        pick(["day", "day", "day", "week", "month"]),
        pick([0, 0, -1, 1]),
    ),
    st.builds(lambda days: {"op": "anniversary", "in_days": days, "zone": "person"}, pick([0, 0, -1, 1])),
    st.builds(lambda op, day: {"op": op, "value": day, "zone": "person"}, pick(["before", "after"]), own_days),
    st.builds(lambda day: {"op": "between", "value": [day, day], "zone": "person"}, own_days),
)
"""Those that the day it is, or was, where the person lives decides."""
