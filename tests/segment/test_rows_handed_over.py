"""Everybody is asked by rows that are added up here, or grouped by the engine where they do not fit: told the same."""

import random
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from services.segment.domain.answer import answer_one
from services.segment.domain.condition import Inquiry
from services.segment.domain.moment import Moment
from services.segment.domain.total import Total
from services.segment.store import asking_rows
from services.segment.store.asking import ask
from services.segment.store.bitmaps import bitmap_of, bitmap_where
from services.segment.store.scope import Scope
from services.segment.store.totals import TooLarge, Totals
from tests.fixtures.apps import START
from tests.segment.columnar import a_columnar_store, parsed, put
from tests.segment.oracle import Person, When, is_member

SUMS = (("gt", 0), ("lte", 0), ("equals", Decimal("0.3")), ("not_equals", 5), ("between", [-1, 10**20]))
BODIES = [
    *({"aggregate": "sum", "event": "bought", "prop": "amount", "op": op, "value": value} for op, value in SUMS),
    {"aggregate": "sum", "event": "bought", "prop": "amount", "op": "gt", "value": 0, "window": {"last": "1 day"}},
    {"aggregate": "max", "event": "bought", "prop": "amount", "op": "gte", "value": 1},
    {"did": "bought"},
    {"did": "bought", "count": {"op": "gte", "n": 2}},
    {"did": "bought", "count": {"op": "lte", "n": 1}, "window": {"last": "1 day"}},
    {"did": "bought", "count": {"op": "gte", "n": 2}, "where": [{"prop": "amount", "op": "gt", "value": 0}]},
    {"did_prefix": "bo", "count": {"op": "equals", "n": 3}},
    {"trait": "age", "op": "gte", "value": 30},
    {"trait": "age", "op": "missing"},
]  # fmt: skip


@pytest.mark.parametrize("largest", [12, 10**8, 10**9, 10**17])
@pytest.mark.parametrize("most_rows", [10**6, 3])
async def test_the_same_is_told_however_large_the_numbers_and_however_many_the_rows(
    tmp_path, monkeypatch, largest, most_rows
):
    chance = random.Random(largest)
    monkeypatch.setattr(asking_rows, "MOST_ROWS", most_rows)

    def event():
        amount = chance.choice([0, 1, -1, Decimal("0.1"), Decimal("0.2"), largest, -largest, "3", "much"])
        return "bought", START - timedelta(hours=chance.randint(0, 48)), {"amount": amount}

    people = {
        number: Person(traits={"age": 20 + number} if number % 3 else {}, events=[event() for _ in range(number % 5)])
        for number in (*range(1, 40), 70_000, 2_000_000_000)
    }
    async with a_columnar_store(tmp_path) as store:
        await put(store, 1, people)
        inquiry = Inquiry(Moment(START))
        formulas = [parsed(body).formula(inquiry) for body in BODIES]
        atoms = await ask(store, inquiry, Scope(1, None))
        for body, formula in zip(BODIES, formulas, strict=True):
            found = answer_one(formula, atoms=atoms, among=BitMap(people), members={})
            assert set(found) == {number for number in people if is_member(body, people[number], When(START))}, body


@given(st.lists(st.integers(0, 2**31 - 1) | st.integers(0, 70_000) | st.integers(65_530, 65_540)))
def test_a_set_of_numbers_is_that_set(numbers):
    assert bitmap_of(np.array(numbers, np.int32)) == BitMap(numbers)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 70_000)), max_size=9))
def test_a_set_of_marked_places_is_that_set(runs):
    marks = np.concatenate([np.zeros(0, np.bool_), *(np.full(length, mark) for mark, length in runs)])
    found = bitmap_where(marks)
    assert found == BitMap(np.flatnonzero(marks).astype(np.uint32))
    found.add(5)
    assert 5 in found


def test_a_total_that_may_not_fit_its_number_is_refused():
    persons, above = np.array([1, 1], np.int32), Total(((">", Decimal(0)),), "amount")
    assert set(Totals(persons, np.array([2**61, -(2**61)])).meeting(above)) == set()
    with pytest.raises(TooLarge):
        Totals(persons, np.array([2**62, 2**62]))
    assert set(Totals(np.array([1, 2, 3], np.int32), np.array([2**62] * 3)).meeting(above)) == {1, 2, 3}
