"""What Hypothesis makes definitions and histories of."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from tests.segment.oracle import Person

START = datetime(2024, 2, 26, 12, 0, tzinfo=UTC)
ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "Europe/Berlin")
NAMES = ("bought", "seen", "Ünï. 'x' \\ %_", "a.b")
TRAITS = ("age", "note", "likes", "when", "a.b", "nest")
pick = st.sampled_from

texts = pick(
    ["", "blue", "Blue", "STRASSE", "straße", "8", "8.0", "10", "1e1", "%", "_", "a'b\\", "金", "true", "x\x00y"]
)
numbers = st.one_of(st.integers(-10, 10), pick([2**53 + 1, 2**53, 8, 10, 10**30, 0.1, 1.5, 8.0]))
times = st.one_of(
    st.integers(-900, 900).map(lambda hours: (START + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")),
    st.integers(-400, 40).map(lambda days: (START + timedelta(days=days)).date().isoformat()),
    pick(["1992-02-29", "2024-02-29T23:30:00+08:00", "1990-03-04T15:00:00Z"]),
)
scalars = st.one_of(texts, numbers, st.booleans(), times)
values = st.one_of(scalars, st.lists(st.one_of(texts, numbers), max_size=3), st.none())
nested = st.fixed_dictionaries({}, optional={"a": values, "b.c": values})
operands = st.one_of(texts, numbers, st.booleans())
orderables = st.one_of(texts, numbers)
spans = pick(["5 minutes", "3 hours", "1 day", "7 days", "2 weeks", "1 month", "3 months", "1 year"])
folding = st.fixed_dictionaries({}, optional={"ignore_case": st.booleans()})

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
    st.builds(lambda op, value: {"op": op, "value": value}, pick(["before", "after"]), times),
)
clock_tests = st.one_of(
    st.builds(lambda op, span: {"op": op, "span": span}, pick(["within_last", "within_next", "more_than_ago"]), spans),
    st.builds(
        lambda period, offset: {"op": "in_period", "period": period, "offset": offset},
        pick(["day", "week", "month", "quarter", "year"]),
        st.integers(-2, 1),
    ),
    st.builds(lambda days: {"op": "anniversary", "in_days": days}, st.integers(-3, 3)),
    st.builds(
        lambda value, key, span: {"op": "has_been", "value": value, key: span},
        operands,
        pick(["for_at_least", "for_less_than"]),
        spans,
    ),
)
paths = st.one_of(pick(TRAITS), pick([["nest", "a"], ["nest", "b.c"], ["nest"]]))
trait_conditions = st.builds(lambda path, test: {"trait": path, **test}, paths, st.one_of(value_tests, clock_tests))
counts = st.one_of(
    st.builds(lambda op, n: {"op": op, "n": n}, pick(["equals", "gte", "gt", "lte"]), st.integers(0, 3)),
    st.builds(lambda n: {"op": "lt", "n": n}, st.integers(1, 3)),
    st.builds(lambda low, more: {"op": "between", "n": [low, low + more]}, st.integers(0, 2), st.integers(0, 2)),
)
windows = st.one_of(
    st.builds(lambda span: {"last": span}, spans),
    st.builds(lambda first, last: {"from": min(first, last), "to": max(first, last)}, times, times).filter(
        lambda window: window["from"] != window["to"]
    ),
    pick(
        [
            {"from_ago": "7 days", "to_ago": "1 day"},
            {"from_ago": "2 months", "to_ago": "1 month"},
            {"to_ago": "3 hours"},
        ]
    ),
)
filters = st.builds(lambda path, test: {"prop": path, **test}, paths, value_tests)
did_conditions = st.builds(
    lambda name, prefix, more: {("did_prefix" if prefix else "did"): name, **more},
    pick([*NAMES, "b", "never"]),
    st.booleans(),
    st.fixed_dictionaries({}, optional={"count": counts, "window": windows, "where": st.lists(filters, max_size=2)}),
)
few = st.lists(filters, max_size=1)
optionally = st.fixed_dictionaries({}, optional={"where": few, "window": windows})
exact_spans = pick(["5 minutes", "3 hours", "1 day", "7 days", "2 weeks"])
since_conditions = st.builds(
    lambda name, other, more, window: {"did": name, **more, "window": {**window, "since": other}},
    pick(NAMES),
    st.one_of(pick(NAMES), st.builds(lambda name, where: {"event": name, "where": where}, pick(NAMES), few)),
    st.fixed_dictionaries({}, optional={"count": counts, "where": few}),
    st.one_of(st.just({}), spans.map(lambda span: {"last": span})),
)
outer_times = st.one_of(
    st.builds(lambda key, name, more: {key: name, **more}, pick(["first_time", "last_time"]), pick(NAMES), optionally),
    st.builds(lambda name, span: {"last_time": name, "more_than_ago": span}, pick(NAMES), spans),
)
outer_events = st.builds(
    lambda key, name, has, more: {key: name, "has": [has], **more},
    pick(["first_event", "last_event"]),
    pick(NAMES),
    filters,
    optionally,
)
rhythms = st.one_of(
    st.builds(
        lambda name, count, period, periods, less, where: {
            "regularly": name,
            **count,
            **where,
            "period": period,
            "periods": periods,
            "at_least": max(1, periods - less),
        },
        pick(NAMES),
        st.fixed_dictionaries({}, optional={"count": counts}),
        pick(["3 hours", "3 days", "1 week", "1 month"]),
        st.integers(1, 4),
        st.integers(0, 2),
        st.fixed_dictionaries({}, optional={"where": few}),
    ),
    st.builds(
        lambda name, within, quiet: {"stopped": name, **within, "quiet": quiet},
        pick(NAMES),
        pick([{}, {"did_within": "3 weeks"}, {"did_within": "2 months"}]),
        pick(["3 hours", "5 days", "2 weeks"]),
    ),
    st.builds(
        lambda name, far, near: {"restarted": name, "quiet_from": far, "quiet_to": near},
        pick(NAMES),
        pick(["2 weeks", "1 month"]),
        pick(["3 hours", "5 days"]),
    ),
)
amounts = st.one_of(st.integers(-5, 25), pick(["0.1", "0.3", "-2.5", "8", "12345678901234567890.0000000001"]))
aggregates = st.builds(
    lambda function, name, prop, test, more, money: {
        "aggregate": function,
        "event": name,
        "prop": prop,
        **test,
        **more,
        **money,
    },
    pick(["sum", "avg", "min", "max", "distinct"]),
    pick(NAMES),
    pick(["amount", "amount", "age", ["nest", "a"]]),
    st.one_of(
        st.builds(
            lambda op, value: {"op": op, "value": value},
            pick(["equals", "not_equals", "gt", "gte", "lt", "lte"]),
            pick([0, 1, 2, 8, 10, 0.3, 0.4, -2.5, 20]),
        ),
        st.builds(lambda low, more: {"op": "between", "value": [low, low + more]}, st.integers(-3, 10), pick([0, 5])),
    ),
    optionally,
    pick([{}, {}, {"convert": {"EUR": 1, "usd": "0.9", "": "2"}}, {"currency": "note"}]),
)
sequence_steps = st.builds(
    lambda name, more: {"event": name, **more},
    pick(NAMES[:2]),
    st.fixed_dictionaries({}, optional={"where": few, "within": exact_spans}),
)
sequences = st.builds(
    lambda steps, more: {"sequence": steps, **more},
    st.lists(sequence_steps, min_size=2, max_size=3),
    st.fixed_dictionaries(
        {},
        optional={
            "max_gap": exact_spans,
            "window": windows,
            "same": pick(["age", "amount", ["nest", "a"]]),
            "without": st.lists(st.builds(lambda name: {"event": name}, pick(NAMES[:3])), min_size=1, max_size=1),
        },
    ),
)
conditions = st.one_of(
    trait_conditions, did_conditions, since_conditions, outer_times, outer_events, rhythms, aggregates, sequences
)
definitions = st.recursive(
    conditions,
    lambda inner: st.builds(
        lambda kind, parts: {kind: parts}, pick(["all", "any", "none"]), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=6,
)
money = st.fixed_dictionaries({}, optional={"amount": amounts, "currency": pick(["EUR", "EUR", "USD", 3])})
properties = st.builds(
    lambda some, nest, paid: {**some, **nest, **paid},
    st.dictionaries(pick(TRAITS[:5]), values, max_size=3),
    st.fixed_dictionaries({}, optional={"nest": nested}),
    money,
)
events = st.tuples(pick(NAMES), st.integers(-900, 48).map(lambda hours: START + timedelta(hours=hours)), properties)
traits = st.fixed_dictionaries({}, optional={**dict.fromkeys(TRAITS[:5], values), "nest": nested})
people = st.builds(
    lambda held, since, done: Person(held, dict.fromkeys(held, START + timedelta(hours=since)), done),
    traits,
    st.integers(-900, 0),
    st.lists(events, max_size=8),
)
