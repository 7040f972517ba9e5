"""The ways to the engine: what fails over one is nobody's answer, two run at once, and all end in order."""

import asyncio
import threading

import pytest

from libs.common.errors import Unavailable
from services.segment.store.columnar import Columnar, DoesNotFit
from services.segment.store.handles import HANDLES
from services.segment.store.rows import span_row
from services.segment.store.scans import PRESENT_PERSON
from tests.fixtures.apps import START
from tests.segment.columnar import LongCall, a_columnar_store


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
        long, short, third = calls = LongCall(), LongCall(), LongCall()
        running = [asyncio.create_task(call.run(store)) for call in calls]
        await long.begun()
        await short.begun()
        await asyncio.sleep(0.1)
        assert not third.is_begun(), "the third waits for one of the two"
        short.end()
        await third.begun()
        assert not long.is_done
        long.end()
        third.end()
        await asyncio.gather(*running)


async def test_a_handle_that_is_still_at_it_is_given_to_nobody(tmp_path):
    async with a_columnar_store(tmp_path) as store:
        long = LongCall()
        gone = asyncio.create_task(long.run(store))
        await long.begun()
        gone.cancel()
        for _ in range(HANDLES + 1):
            assert await asyncio.wait_for(store.rows("select 7 as number", {}), 60) == [{"number": 7}]
        assert not long.is_done
        long.end()


async def test_what_goes_in_is_in_or_out_when_whoever_wanted_it_has_gone(tmp_path, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()
    said = Columnar._said

    def held(self, call, client):
        begun.set()
        assert go_on.wait(120)
        return said(self, call, client)

    async with a_columnar_store(tmp_path) as store:
        filling = "insert into event (workspace_id, name, person_no) select 1, 'e', number from numbers(2000)"
        with monkeypatch.context() as patched:
            patched.setattr(Columnar, "_said", held)
            gone = asyncio.create_task(store.command(filling))
            assert await asyncio.to_thread(begun.wait, 60)
        gone.cancel()
        await asyncio.sleep(0.1)
        assert not gone.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert await store.rows("select count() as rows from event", {}) == [{"rows": 2_000}]


async def test_who_asks_a_store_that_is_closed_is_told_so(tmp_path):
    async with a_columnar_store(tmp_path) as store:
        slow = asyncio.create_task(store.rows("select sleep(0.5) as slept", {}))
        await asyncio.sleep(0.1)
    assert await slow == [{"slept": 0}], "what runs comes to its end"
    with pytest.raises(Unavailable):
        await store.rows("select 1 as one", {})


async def test_a_statement_sees_whose_events_are_at_one_moment(tmp_path):
    async with a_columnar_store(tmp_path) as store:
        await store.command(
            "insert into override_span (workspace_id, subject_no, starts, persons, version) select 1, 100000 + number,"
            " [toDateTime64('2020-01-01', 6, 'UTC')], [toInt32(500 + number)], 1 from numbers(50)"
        )
        await store.command(
            "insert into event (workspace_id, name, person_no, subject_no, event_time)"
            " select 1, 'e', 1, 100000 + number % 50, now64(6) from numbers(500)"
        )
        asking = f"select distinct subject_no - ({PRESENT_PERSON}) as apart from event where workspace_id = 1"
        over = asyncio.Event()

        async def more_owners():
            number = 0
            while not over.is_set():
                number += 1
                span = span_row(workspace_id=1, subject_no=90_000 - number, spans=[(START, 7)], version=1)
                await store.insert("override_span", span, token=str(number))

        inserting = asyncio.create_task(more_owners())
        told = [await store.rows(asking.replace("{workspace}", "1"), {}) for _ in range(40)]
        over.set()
        await inserting
        assert told == [[{"apart": 99_500}]] * 40


async def test_nor_where_the_one_who_asked_has_gone(tmp_path):
    async with a_columnar_store(tmp_path) as store:
        gone = asyncio.create_task(store.ask("select number from numbers(1000000)", {}, most_rows=1_000))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(store.rows("select 7 as number", {}))
        await asyncio.sleep(0)
        gone.cancel()
        assert await waiting == [{"number": 7}]
