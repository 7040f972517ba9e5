"""What Hypothesis makes definitions and histories of."""

from datetime import timedelta

from hypothesis import strategies as st

from tests.segment.generated_tests import clock_tests, own_clock_tests, value_tests
from tests.segment.generated_values import (
    FAR_ZONES,
    NAMES,
    OWN_ZONES,
    START,
    TRAITS,
    ZONES,
    event_times,
    near_times,
    nested,
    own_times,
    pick,
    spans,
    spots,
    times,
    values,
)
from tests.segment.oracle_of_persons import Person, Word

paths = st.one_of(pick(TRAITS), pick(["when", "home"]), pick([["nest", "a"], ["nest", "b.c"], ["nest"]]))
trait_conditions = st.builds(lambda path, test: {"trait": path, **test}, paths, st.one_of(value_tests, clock_tests))
own_clocks = st.builds(
    lambda path, test: {"trait": path, **test}, pick(["when", "when", "when", *TRAITS, ["nest", "a"]]), own_clock_tests
)
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
            *({"period": period} for period in ("day", "month")),
            *({"period": period, "offset": -1} for period in ("week", "day")),
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
        **({} if function == "distinct" else money),
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
PURPOSES, CHANNELS, TOPICS = ("marketing", "a'b\\"), ("email", "sms"), ("news", "sport")
TAGS = ("gold", "a.b 'x'")
consented = st.builds(
    lambda purpose, channel, topic: {"consented": {"purpose": purpose, "channel": channel, **topic}},
    pick(PURPOSES),
    pick(CHANNELS),
    pick([{}, {}, {"topic": "news"}]),
)
others = st.one_of(
    st.builds(
        lambda salt, low, more: {"bucket": salt, "from": low, "to": low + more},
        pick(["spring", "金", "'"]),
        pick([0, 12.5, 50]),
        pick([0.0001, 25, 50]),
    ),
    st.builds(
        lambda word, tests: {"account": word, "where": tests},
        pick(["any", "all", "none"]),
        st.lists(st.builds(lambda path, test: {"trait": path, **test}, paths, value_tests), min_size=1, max_size=2),
    ),
    st.builds(lambda word, span: {"person": word, "span": span}, pick(["younger_than", "older_than"]), spans),
    st.builds(lambda word: {"person": word}, pick(["named", "anonymous"])),
)
conditions = st.one_of(
    others,
    trait_conditions,
    own_clocks,
    did_conditions,
    since_conditions,
    outer_times,
    outer_events,
    rhythms,
    aggregates,
    sequences,
    consented,
    st.builds(lambda tag, op: {"tag": tag, **op}, pick([*TAGS, "never"]), pick([{}, {"op": "has"}, {"op": "has_not"}])),
    pick(["email", "sms", "inbox", "never"]).map(lambda channel: {"reachable": channel}),
)
trees = st.recursive(
    conditions,
    lambda inner: st.builds(
        lambda kind, parts: {kind: parts}, pick(["all", "any", "none"]), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=6,
)
flagged = st.builds(lambda tree, flag: {"all": [tree], "anonymous": flag}, trees, pick(["in", "out", "out"]))
definitions = st.one_of(trees, trees, trees, flagged)
money = st.fixed_dictionaries({}, optional={"amount": amounts, "currency": pick(["EUR", "EUR", "USD", 3])})
properties = st.builds(
    lambda some, nest, paid: {**some, **nest, **paid},
    st.dictionaries(pick(TRAITS[:5]), values, max_size=3),
    st.fixed_dictionaries({}, optional={"nest": nested, "home": spots}),
    money,
)
events = st.tuples(pick(NAMES), event_times, properties)
traits = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(TRAITS[:5], values),
        "nest": nested,
        "home": spots,
        "timezone": pick([*OWN_ZONES, "Mars/Base", "", 3]),
    },
)
far_away = st.builds(
    lambda held, when, zone: {**held, "when": when, "timezone": zone},
    traits,
    st.one_of(near_times, own_times, own_times),
    pick([*ZONES[1:], *FAR_ZONES]),
)
words = st.builds(
    lambda purpose, channel, topic, yes, ago, lasts: Word(
        (purpose, channel, topic),
        yes,
        START - timedelta(hours=ago),
        None if lasts is None or not yes else START + timedelta(hours=lasts - ago),
    ),
    pick([*PURPOSES, "*"]),
    pick([*CHANNELS, "*"]),
    pick(["", "", *TOPICS]),
    pick([True, True, False]),
    st.integers(0, 6),
    st.one_of(st.none(), st.none(), st.integers(1, 600)),
)
opt_outs = st.dictionaries(st.tuples(pick(PURPOSES), pick([*CHANNELS, "*"])), st.booleans(), max_size=3)
people = st.builds(
    lambda held, since, done, said, tags, channels, known, accounts, named: Person(
        held,
        dict.fromkeys(held, START + timedelta(hours=since)),
        done,
        said,
        channels=channels,
        known=START + timedelta(hours=known),
        accounts=accounts,
        tags=tags,
        named=named,
    ),
    st.one_of(traits, far_away),
    st.integers(-900, 0),
    st.lists(events, max_size=8),
    st.dictionaries(st.integers(1, 3), st.lists(words, min_size=1, max_size=4), max_size=3),
    st.dictionaries(pick(TAGS), st.one_of(st.none(), st.integers(-9, 600).map(lambda h: START + timedelta(hours=h)))),
    st.sets(pick(CHANNELS)),
    st.integers(-900, 0),
    st.lists(st.dictionaries(pick(TRAITS[:4]), values, max_size=3), max_size=2),
    st.booleans(),
)
