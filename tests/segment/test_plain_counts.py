"""Counts on the very edges of their windows: the same answers as the oracle's, of everybody and of few."""

import random
from datetime import timedelta

import pytest
from pyroaring import BitMap

from services.segment.domain.answer import answer_one
from services.segment.domain.condition import Inquiry
from services.segment.domain.moment import Moment
from services.segment.store.asking import ask
from services.segment.store.asking_few import ask_few
from services.segment.store.scope import Scope
from tests.fixtures.apps import START
from tests.segment.columnar import a_columnar_store, parsed, put
from tests.segment.oracle import Person, When, is_member

NAMES = ("bought", "seen", "never 'x' \\")
COUNTS = (
    *({"op": op, "n": n} for op in ("gte", "gt", "lte", "equals") for n in (0, 1, 2)),
    {"op": "lt", "n": 1},
    {"op": "between", "n": [0, 1]},
    {"op": "between", "n": [1, 2]},
)
WINDOWS = (
    None,
    {"last": "2 days"},
    {"from_ago": "3 days", "to_ago": "1 day"},
    {"period": "week"},
    {"period": "day", "offset": -1},
    {"to_ago": "2 days"},
    {"from": "2024-02-28", "to": "2024-03-01T12:00:00Z"},
    {"from": "1900-01-01"},
)


@pytest.mark.parametrize("seed", range(3))
async def test_plain_counts_agree_with_the_oracle(tmp_path, seed):
    chance = random.Random(seed)

    def event():
        # on the very edges of the windows too
        at = START - timedelta(
            hours=chance.choice([0, 24, 48, 72, -1, 5, 30, 2000]), microseconds=chance.choice([0, 1])
        )
        return chance.choice(NAMES[:2]), at, {}

    people = {number: Person(events=[event() for _ in range(chance.randint(0, 5))]) for number in range(1, 30)}
    bodies = [
        {"did": name, "count": count, **({"window": window} if window else {})}
        for name in NAMES
        for count in COUNTS
        for window in WINDOWS
    ]
    bodies.append({"did": "bought", "where": [{"prop": "x", "op": "missing"}], "count": {"op": "gte", "n": 2}})
    async with a_columnar_store(tmp_path) as store:
        await put(store, 1, people)
        some = sorted(chance.sample(sorted(people), 17))
        for persons in (None, some):
            inquiry = Inquiry(Moment(START))
            formulas = [parsed(body).formula(inquiry) for body in bodies]
            scope = Scope(1, None) if persons is None else Scope(1, None, persons, persons)
            atoms = await (ask if persons is None else ask_few)(store, inquiry, scope)
            among = BitMap(people if persons is None else persons)
            for body, formula in zip(bodies, formulas, strict=True):
                found = answer_one(formula, atoms=atoms, among=among, members={})
                expected = {number for number in among if is_member(body, people[number], When(START))}
                assert set(found) == expected, (body, persons)
