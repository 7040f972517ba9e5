"""The SQL, asked about everybody and about some persons only, agrees with the oracle person for person."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from services.segment.domain.answer import answer_one
from services.segment.domain.condition import Inquiry
from services.segment.domain.fault import InvalidDefinition
from services.segment.domain.moment import Moment
from services.segment.store.asking import Scope, ask
from tests.segment.columnar import a_columnar_store, parsed, put
from tests.segment.oracle import Person, When, is_member

START = datetime(2024, 2, 26, 12, 0, tzinfo=UTC)
ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "Europe/Berlin")
NAMES = ("bought", "seen", "Ünï. 'x' \\ %_", "a.b")
TRAITS = ("age", "note", "likes", "when", "a.b", "nest")
_workspaces = count(1)
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
conditions = st.one_of(trait_conditions, did_conditions)
definitions = st.recursive(
    conditions,
    lambda inner: st.builds(
        lambda kind, parts: {kind: parts}, pick(["all", "any", "none"]), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=6,
)
properties = st.dictionaries(pick(TRAITS[:5]), values, max_size=3)
events = st.tuples(pick(NAMES), st.integers(-900, 48).map(lambda hours: START + timedelta(hours=hours)), properties)
traits = st.fixed_dictionaries({}, optional={**dict.fromkeys(TRAITS[:5], values), "nest": nested})
people = st.builds(
    lambda held, since, done: Person(held, dict.fromkeys(held, START + timedelta(hours=since)), done),
    traits,
    st.integers(-900, 0),
    st.lists(events, max_size=5),
)


def valid(definition):
    try:
        return parsed(definition)
    except InvalidDefinition:  # the generator makes some windows that end before they begin
        return None


@pytest.fixture(scope="module")
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture(scope="module")
def store(loop, tmp_path_factory):
    manager = a_columnar_store(tmp_path_factory.mktemp("oracle"))
    yield loop.run_until_complete(manager.__aenter__())
    loop.run_until_complete(manager.__aexit__(None, None, None))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)
@given(
    bodies=st.lists(definitions.filter(valid), min_size=10, max_size=25),
    persons=st.lists(people, min_size=3, max_size=8),
    hours=st.lists(st.integers(0, 700), min_size=1, max_size=2),
    zone=pick(ZONES),
)
def test_full_and_touched_questions_agree_with_the_oracle(loop, store, bodies, persons, hours, zone):
    workspace_id = next(_workspaces)
    numbered = dict(enumerate(persons, start=1))

    async def compare():
        await put(store, workspace_id, numbered)
        universe, some = BitMap(numbered), list(numbered)[::2]
        for hour in sorted(hours):
            when = When(START + timedelta(hours=hour, microseconds=7), zone)
            expected = [
                {number for number, person in numbered.items() if is_member(body, person, when)} for body in bodies
            ]
            full = await fused(store, workspace_id, bodies, universe, Moment(when.now, zone), None)
            assert [set(found) for found in full] == expected, (bodies, when)
            touched = await fused(store, workspace_id, bodies, BitMap(some), Moment(when.now, zone), some)
            assert [set(found) for found in touched] == [found & set(some) for found in expected], (bodies, when)

    loop.run_until_complete(compare())


async def fused(store, workspace_id, bodies, among, moment, persons):
    inquiry = Inquiry(moment)
    formulas = [parsed(body).formula(inquiry) for body in bodies]
    scope = Scope(workspace_id, False) if persons is None else Scope(workspace_id, False, persons, persons)
    atoms = await ask(store, inquiry, scope)
    return [answer_one(formula, atoms=atoms, among=among, members={}) for formula in formulas]
