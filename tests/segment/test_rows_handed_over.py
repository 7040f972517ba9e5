"""Everybody is asked by rows that are added up here, or grouped by the engine where they do not fit: told the same."""

import asyncio
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
from services.segment.store.columnar import DoesNotFit
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


async def test_what_an_engine_had_written_when_it_failed_is_nobodys_answer(tmp_path):
    async with a_columnar_store(tmp_path) as store:
        for _ in range(3):
            with pytest.raises(DoesNotFit):
                await store.ask("select number from numbers(100000)", {}, most_rows=1000)
            assert await store.rows("select 7 as seven", {}) == [{"seven": 7}]
            with pytest.raises(DoesNotFit):
                await store.rows("select toDecimal64(toDecimal128(number * 1000000000, 10), 10) from numbers(3)", {})
            assert await store.rows("select 7 as seven", {}) == [{"seven": 7}]


async def test_it_is_not_given_to_whoever_waited_for_the_engine(tmp_path):
    async with a_columnar_store(tmp_path) as store:
        for rows in (1_000, 500_000):
            too_many = store.ask("select number from numbers(1000000)", {}, most_rows=rows)
            waiting = [store.rows(f"select toUInt64({turn}) as number", {}) for turn in range(5)]
            failed, *found = await asyncio.gather(too_many, *waiting, return_exceptions=True)
            assert isinstance(failed, DoesNotFit)
            assert found == [[{"number": turn}] for turn in range(5)]


async def test_nor_to_whoever_asks_beside_it(tmp_path):
    async with a_columnar_store(tmp_path) as store:
        failing = [
            store.ask("select number from numbers(200000)", {}, most_rows=1_000 if turn % 2 else 150_000)
            for turn in range(30)
        ]
        asking = [store.rows(f"select toUInt64({turn}) as number", {}) for turn in range(60)]
        mixed = [one for three in zip(failing, asking[::2], asking[1::2], strict=True) for one in three]
        ends = await asyncio.gather(*mixed, return_exceptions=True)
        assert all(isinstance(end, DoesNotFit) for end in ends[::3])
        assert [*ends[1::3], *ends[2::3]] == [[{"number": turn}] for turn in (*range(0, 60, 2), *range(1, 60, 2))]


async def test_two_statements_run_at_the_same_time_and_a_third_waits(tmp_path):
    async with a_columnar_store(tmp_path) as store:
        loop, ended = asyncio.get_running_loop(), []

        async def sleep(called, seconds):
            await store.rows(f"select sleep({seconds}) as slept", {})
            ended.append((called, loop.time()))

        began = loop.time()
        await asyncio.gather(sleep("long", 3), sleep("short", 0.5), sleep("next", 0.5))
        assert [called for called, _ in ended] == ["short", "next", "long"]
        assert ended[1][1] - began >= 1, "the third waits for one of the two"


async def test_nor_where_the_one_who_asked_has_gone(tmp_path):
    async with a_columnar_store(tmp_path) as store:
        gone = asyncio.create_task(store.ask("select number from numbers(1000000)", {}, most_rows=1_000))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(store.rows("select 7 as number", {}))
        await asyncio.sleep(0)
        gone.cancel()
        assert await waiting == [{"number": 7}]


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
