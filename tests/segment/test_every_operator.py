"""Every value operator put to every kind of value, as a trait and as an event property, against the oracle."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from pyroaring import BitMap

from services.segment.domain.answer import answer_one
from services.segment.domain.condition import Inquiry
from services.segment.domain.moment import Moment
from services.segment.store.asking import ask
from services.segment.store.asking_few import ask_few
from services.segment.store.scope import Scope
from tests.segment.columnar import a_columnar_store, parsed, put
from tests.segment.oracle import Person, When, is_member

NOW = datetime(2024, 2, 28, 16, 30, tzinfo=UTC)
TEXTS = [
    "",
    "blue",
    "Blue",
    "My Blue kettle",
    "STRASSE",
    "straße",
    "%",
    "_",
    "a'b\\",
    "金",
    "x\x00y",
    "line\nBlue",
    "true",
]
SPELLED = ["8", "8.0", "10", "+8", "1e1", ".5", "-0", "8 ", "0x8", "1" + "0" * 30, "0.00000000001"]
NUMBERS = [0, 8, -3, 10, 8.0, 0.1, 0.30000000000000004, 2**53, 2**53 + 1, 10**30, 10**30 + 1, 1e-11]
TIMES = [
    "2024-02-28",
    "2024-02-29",
    "2024-02-28T16:30:00Z",
    "2024-02-28T16:29:59.999999Z",
    "2024-02-28T16:30:00.000001Z",
    "2024-02-27T23:30:00Z",
    "2024-02-28T00:30:00+08:00",
    "2024-02-28T23:30:00",
    "2024-01-31",
    "2023-12-31T23:00:00Z",
    "2024-03-01T00:00:00Z",
    "1992-02-29",
    "1991-02-28",
    "1990-03-01T03:00:00Z",
    "1890-01-01",
    "2024-02-30",
    "2024-3-1",
    "2024-02-21T16:30:00Z",
    "2024-02-21T16:29:59Z",
    "2024-01-28T16:30:00Z",
]
LISTS = [[], ["blue"], ["Blue", 8], [8, "8.0", True], ["straße", None], [[1], {"a": 1}], ["金", "10"]]
VALUES = [*TEXTS, *SPELLED, *NUMBERS, *TIMES, *LISTS, True, False, None, {"a": 1}, {}]

OPERANDS = [
    "blue",
    "Blue",
    "STRASSE",
    "8",
    "8.0",
    "x\x00y",
    "a'b\\",
    "金",
    "",
    8,
    0,
    10,
    0.1,
    2**53 + 1,
    10**30,
    1e-11,
    True,
    False,
]
ORDERABLES = ["Blue", "8", "9", 8, 0.1, 2**53, 10**30, "2024-02-28"]
PARTS = ["Blue", "blue", "%", "_", "'", "\\", "金", "x\x00", "ss", "8"]
PATTERNS = ["lu", "^B", "[0-9]+$", "s{2}", "e.B", "^$", "(?i)BLUE"]
SPANS = ["1 second", "30 minutes", "7 days", "1 week", "1 month", "2 years"]


def value_tests():  # noqa: C901 - a table
    """Every operator with operands that matter."""
    for op, value, fold in itertools.product(["equals", "not_equals"], OPERANDS, [False, True]):
        yield {"op": op, "value": value, "ignore_case": fold}
    several = ["in", "not_in", "has_any", "has_all", "has_none"]
    for op, value in itertools.product(several, itertools.pairwise(OPERANDS)):
        yield {"op": op, "value": list(value)}
        yield {"op": op, "value": list(value), "ignore_case": True}
    for op, value, fold in itertools.product(["gt", "gte", "lt", "lte"], ORDERABLES, [False, True]):
        yield {"op": op, "value": value, "ignore_case": fold}
    for low, high in itertools.product(ORDERABLES, ORDERABLES):
        yield {"op": "between", "value": [low, high]}
    for op, value, fold in itertools.product(
        ["contains", "not_contains", "starts_with", "ends_with"], PARTS, [False, True]
    ):
        yield {"op": op, "value": value, "ignore_case": fold}
    for value, fold in itertools.product(PATTERNS, [False, True]):
        yield {"op": "matches", "value": value, "ignore_case": fold}
    for op, value in itertools.product(["before", "after"], TIMES[:14]):
        yield {"op": op, "value": value}
    for low, high in itertools.product(TIMES[:3], TIMES[:3]):
        yield {"op": "between", "value": [low, high]}
    yield from ({"op": "exists"}, {"op": "missing"})


def clock_tests():
    """Those that only traits can be put to."""
    for op, span in itertools.product(["within_last", "within_next", "more_than_ago"], SPANS):
        yield {"op": op, "span": span}
    for period, offset in itertools.product(["day", "week", "month", "quarter", "year"], [-2, -1, 0, 1]):
        yield {"op": "in_period", "period": period, "offset": offset}
    for days in range(-3, 4):
        yield {"op": "anniversary", "in_days": days}
    for value, key, span in itertools.product(["Blue", 8, True], ["for_at_least", "for_less_than"], SPANS):
        yield {"op": "has_been", "value": value, key: span}


ZONES = ["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "Mars/Base", None]
ON_WALLS = [
    *TIMES, "2024-02-28T16:30", "2024-02-28T23:30:00.000001", "2024-03-10T02:30:00", "2024-03-10T07:00:00Z",
    "2024-11-03T05:30:00Z", "2024-11-03T06:30:00Z", "2024-11-03T01:30:00", "1900-01-01T00:00:00Z",
    "2299-12-31T23:30:00Z",
]  # fmt: skip
"""Beside times of all kinds: what New York skips and shows twice, and the ends of what is a time."""


def wall_tests():
    """Those of times that go by the clock where the person lives."""
    fixed = [time for time in ON_WALLS if time not in ("1890-01-01", "2024-02-30", "2024-3-1")]
    for op, value in itertools.product(["before", "after"], fixed):
        yield {"op": op, "value": value, "zone": "person"}
    for low, high in itertools.product(fixed[::4], fixed[::3]):
        yield {"op": "between", "value": [low, high], "zone": "person"}


async def disagreements(store, workspace_id, bodies, persons, moment):
    await put(store, workspace_id, persons)
    universe, when = BitMap(persons), When(moment.now, moment.zone)
    inquiry = Inquiry(moment)
    formulas = [parsed(body).formula(inquiry) for body in bodies]
    of_everybody = await ask(store, inquiry, Scope(workspace_id, None))
    of_few = await ask_few(store, inquiry, Scope(workspace_id, None, list(persons), list(persons)))
    for body, formula in zip(bodies, formulas, strict=True):
        expected = {number for number, person in persons.items() if is_member(body, person, when)}
        for atoms in (of_everybody, of_few):
            found = set(answer_one(formula, atoms=atoms, among=universe, members={}))
            for number in found ^ expected:
                yield body, persons[number], number in expected


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
async def test_every_operator_on_every_trait_value_agrees_with_the_oracle(tmp_path, zone):
    since = [NOW - timedelta(days=7), NOW - timedelta(minutes=30), NOW - timedelta(days=400)]
    persons = {
        number: Person({"x": value, "nest": {"in.side": value}}, {"x": since[number % 3], "nest": since[number % 3]})
        for number, value in enumerate(VALUES, start=1)
    }
    bodies = [{"trait": "x", **test} for test in (*value_tests(), *clock_tests())]
    bodies += [{"trait": ["nest", "in.side"], **test} for test in clock_tests()]
    async with a_columnar_store(tmp_path) as store:
        wrong = [found async for found in disagreements(store, 1, bodies, persons, Moment(NOW, zone))]
    assert not wrong, (len(wrong), wrong[:10])


async def test_times_by_the_clock_of_each_person_agree_with_the_oracle(tmp_path):
    held = [*ON_WALLS, 8, "8", True, None, [ON_WALLS[0]], {"a": ON_WALLS[0]}]
    persons = {}
    for number, (value, zone) in enumerate(itertools.product(held, ZONES), start=1):
        traits = {"x": value, "nest": {"in.side": value}, **({"timezone": zone} if zone else {})}
        persons[number] = Person(traits, dict.fromkeys(traits, NOW))
    bodies = [{"trait": path, **test} for path in ("x", ["nest", "in.side"]) for test in wall_tests()]
    async with a_columnar_store(tmp_path) as store:
        wrong = [found async for found in disagreements(store, 1, bodies, persons, Moment(NOW, "Europe/Berlin"))]
    assert not wrong, (len(wrong), wrong[:10])


async def test_every_operator_on_every_property_agrees_with_the_oracle(tmp_path):
    persons = {
        number: Person(events=[("e", NOW, {"x": value, "nest": {"in.side": value}})])
        for number, value in enumerate(VALUES, start=1)
    }
    bodies = [
        {"did": "e", "where": [{"prop": path, **test}]} for path in ("x", ["nest", "in.side"]) for test in value_tests()
    ]
    async with a_columnar_store(tmp_path) as store:
        wrong = [found async for found in disagreements(store, 1, bodies, persons, Moment(NOW, "Asia/Shanghai"))]
    assert not wrong, (len(wrong), wrong[:10])
