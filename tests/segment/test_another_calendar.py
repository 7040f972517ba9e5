"""A workspace's time zone, or the day its weeks start on, is changed: whoever that moves is told, at once."""

import asyncio

import msgspec
import pytest

from libs.common.access.directory import record_name
from libs.common.access.feed import BUCKET
from libs.common.errors import Unavailable
from services.segment.jobs import answer_rounds
from services.segment.usecases.reconcile_segments import reconcile_segments
from tests.segment.neutral import a_stage_at
from tests.segment.stage import WORKSPACE

BY_DAYS = [
    {"trait": "at", "op": "in_period", "period": "month"},
    {"trait": "at", "op": "anniversary"},
    {"trait": "at", "op": "before", "value": "2024-03-31T21:30:00Z"},
    {"trait": "at", "op": "within_next", "span": "3 hours"},
    {"did": "bought", "window": {"from": "2024-04-01"}},
    {"did": "bought", "window": {"to": "2024-04-01"}},
    {"trait": "at", "op": "in_period", "period": "day"},
]


async def keep_calendar(house, stage, zone="UTC", **settings):
    """Let identity tell that the workspace lives by another calendar, and wait until that is answered."""
    runtime = stage.app.runtime
    known = runtime.directory.workspace(WORKSPACE)
    told = msgspec.structs.replace(known, version=known.version + 1, timezone=zone, settings=settings)
    bucket = await house.bus.key_value(BUCKET)
    await bucket.put(record_name(told), msgspec.json.encode(told))
    async with asyncio.timeout(30):
        while runtime.directory.workspace(WORKSPACE).version < told.version:
            await asyncio.sleep(0.02)
    await stage.app.drain(WORKSPACE)


async def test_another_zone_moves_whoever_its_days_move(house):
    stage = await a_stage_at(house, "2024-03-31T20:00:00Z")
    segments = {await stage.segment(body): body for body in BY_DAYS}
    plain = await stage.segment({"did": "bought"})
    await stage.trait("kim", "at", "2024-04-01T05:00:00")
    await stage.event("kim", "bought")
    await stage.create("lea")
    await stage.changes()
    await keep_calendar(house, stage, "Asia/Shanghai")
    told = await stage.changes()
    await stage.assert_no_drift()
    assert {cause for _, _, _, cause in told} == {"edit"}
    assert {(BY_DAYS.index(segments[segment]), who, word) for segment, who, word, _ in told} == {
        (number, "kim", "exited" if "to" in body.get("window", {}) else "entered")
        for number, body in enumerate(BY_DAYS)
    }
    assert await stage.members(plain) == {"kim"}
    await stage.pass_time(hours=30)
    await stage.assert_no_drift()
    await keep_calendar(house, stage, "Asia/Shanghai", anything="else")
    assert [change for change in await stage.changes() if change[3] == "edit"] == []


async def test_segments_that_are_asked_alike_are_not_asked_again(house):
    stage = await a_stage_at(house, "2024-03-31T20:00:00Z")
    segments = [await stage.segment(body) for body in ({"did": "bought"}, BY_DAYS[0])]
    await stage.event("kim", "bought")
    runtime = stage.app.runtime
    asked = []
    ask = runtime.parts.columnar.ask

    async def listen(sql, *more, **named):
        asked.append(sql)
        return await ask(sql, *more, **named)

    runtime.parts.columnar.ask = listen
    await keep_calendar(house, stage, "Europe/Berlin")
    assert asked
    assert not any("event_time" in sql and "bought" in sql for sql in asked)
    assert [await stage.members(segment) for segment in segments] == [{"kim"}, set()]


async def test_another_first_day_of_the_week_moves_whoever_is_in_another_week(house):
    stage = await a_stage_at(house, "2024-03-31T12:00:00Z")  # a Sunday
    segment = await stage.segment({"trait": "at", "op": "in_period", "period": "week"})
    refers = await stage.segment({"none": [{"in_segment": segment}]})
    await stage.trait("kim", "at", "2024-03-31")
    await stage.trait("lea", "at", "2024-03-27")
    assert (await stage.members(segment), await stage.members(refers)) == ({"kim", "lea"}, set())
    await keep_calendar(house, stage, week_start=6)
    assert (await stage.members(segment), await stage.members(refers)) == ({"kim"}, {"lea"})
    await stage.assert_no_drift()


async def test_what_another_calendar_changes_is_no_drift(house, monkeypatch):
    stage = await a_stage_at(house, "2024-03-31T20:00:00Z")
    segment = await stage.segment(BY_DAYS[0])
    await stage.trait("kim", "at", "2024-04-01T05:00:00")
    await stage.changes()
    run_round, runtime = answer_rounds.run_round, stage.app.runtime
    tried = asyncio.Event()

    async def after_the_night(*which):
        # it is three in the night between the change and the round that takes it
        await tried.wait()
        return await run_round(*which)

    monkeypatch.setattr(answer_rounds, "run_round", after_the_night)
    taking = asyncio.create_task(keep_calendar(house, stage, "Asia/Shanghai"))
    while runtime.directory.workspace(WORKSPACE).timezone != "Asia/Shanghai":
        await asyncio.sleep(0.02)
    with pytest.raises(Unavailable, match="calendar"):
        await reconcile_segments(runtime, WORKSPACE)
    tried.set()
    await taking
    assert await stage.changes() == [(segment, "kim", "entered", "edit")]
    assert (await reconcile_segments(runtime, WORKSPACE)).drift == {}
