"""Events of this month, of last week: whoever the calendar moves is told as its page is turned, and not before."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.segment.domain.edges import Edge
from services.segment.domain.moment import PERIODS, Moment
from services.segment.domain.turns import Turn
from services.segment.domain.walls import TICK
from tests.segment.neutral import a_stage_at
from tests.segment.oracle_of_persons import When
from tests.segment.oracle_of_times import in_period
from tests.segment.test_another_calendar import keep_calendar
from tests.segment.test_months_go_forward import instants, steps, zones

turns = st.builds(Turn, st.sampled_from(PERIODS), st.integers(-14, 1))
moments = st.builds(Moment, instants, zones, st.integers(0, 6))


@settings(max_examples=300, deadline=None)
@given(moment=moments, turn=turns, row=steps, after=st.booleans())
def test_a_row_is_due_as_the_page_is_turned(moment, turn, row, after):
    edge = Edge("event", "bought", turn, after=after)
    at = edge.reaches(moment) + row
    due = edge.due(at, moment)

    def is_passed(instant):
        reached = edge.reaches(Moment(instant, moment.zone, moment.week_start))
        return reached > at if after else reached >= at

    assert is_passed(due)
    assert not is_passed(due - TICK)


@settings(max_examples=300, deadline=None)
@given(moment=moments, turn=turns, row=st.timedeltas(timedelta(days=-40), timedelta(days=40)))
def test_the_oracle_knows_the_same_periods(moment, turn, row):
    begins = turn.reached(moment)
    ends = Turn(turn.period, turn.offset + 1).reached(moment)
    at = begins + row
    if turn.period != "week" or moment.week_start == 0:  # the oracle's weeks start on Monday
        assert (begins <= at < ends) == in_period(at, turn.period, turn.offset, When(moment.now, moment.zone))


async def test_who_bought_this_month_leaves_with_it_and_comes_into_the_month_before(house):
    stage = await a_stage_at(house, "2024-03-30T12:00:00Z", "Asia/Shanghai")
    this = await stage.segment({"did": "bought", "window": {"period": "month"}})
    before = await stage.segment({"did": "bought", "window": {"period": "month", "offset": -1}})
    never = await stage.segment({"did": "bought", "window": {"period": "month"}, "count": {"op": "equals", "n": 0}})
    spent = await stage.segment(
        {"aggregate": "sum", "event": "bought", "prop": "amount", "window": {"period": "month", "offset": -1},
         "op": "gte", "value": 10}
    )  # fmt: skip
    await stage.event("kim", "bought", {"amount": 12})
    await stage.event("lea", "bought", {"amount": 9}, at=datetime(2024, 2, 29, 15, 59, 59, tzinfo=UTC))
    await stage.event("max", "bought", {"amount": 50}, at=datetime(2024, 2, 29, 16, tzinfo=UTC))  # 1 March there
    assert (await stage.members(this), await stage.members(before)) == ({"kim", "max"}, {"lea"})
    assert (await stage.members(never), await stage.members(spent)) == ({"lea"}, set())
    await stage.changes()
    await stage.clock(datetime(2024, 3, 31, 15, 59, 59, tzinfo=UTC))
    assert await stage.changes() == []
    await stage.clock(datetime(2024, 3, 31, 16, tzinfo=UTC))
    told = {(segment, who, word, cause) for segment, who, word, cause in await stage.changes()}
    assert told == {
        *((this, who, "exited", "time") for who in ("kim", "max")),
        *((never, who, "entered", "time") for who in ("kim", "max")),
        *((before, who, "entered", "time") for who in ("kim", "max")),
        *((spent, who, "entered", "time") for who in ("kim", "max")),
        (before, "lea", "exited", "time"),
    }
    await stage.assert_no_drift()
    await stage.clock(datetime(2024, 5, 1, tzinfo=UTC))
    assert await stage.members(before) == await stage.members(spent) == set()
    await stage.assert_no_drift()


async def test_another_zone_or_week_start_moves_who_is_in(house):
    stage = await a_stage_at(house, "2024-03-31T20:00:00Z")  # a Sunday, and 1 April in Shanghai
    month = await stage.segment({"did": "bought", "window": {"period": "month"}})
    week = await stage.segment({"did": "bought", "window": {"period": "week"}})
    await stage.event("kim", "bought", at=datetime(2024, 3, 31, 1, tzinfo=UTC))
    await stage.event("lea", "bought", at=datetime(2024, 3, 30, 1, tzinfo=UTC))
    await stage.changes()
    await keep_calendar(house, stage, week_start=6)
    assert await stage.changes() == [(week, "lea", "exited", "edit")]
    await keep_calendar(house, stage, "Asia/Shanghai", week_start=6)
    assert sorted(await stage.changes()) == [(month, who, "exited", "edit") for who in ("kim", "lea")]
    await stage.assert_no_drift()


async def test_what_stands_right_at_the_turn_is_asked_about_once(house):
    stage = await a_stage_at(house, "2024-03-31T23:00:00Z")
    segment = await stage.segment({"did": "bought", "window": {"period": "day"}})
    await stage.event("kim", "bought", at=datetime(2024, 3, 31, tzinfo=UTC))
    await stage.clock(datetime(2024, 3, 31, 23, 59, 59, 999_999, tzinfo=UTC))
    assert await stage.members(segment) == {"kim"}
    await stage.clock(datetime(2024, 4, 1, tzinfo=UTC))
    assert await stage.members(segment) == set()
    await stage.assert_no_drift()


@pytest.mark.parametrize(
    ("window", "pointer"),
    [
        ({"period": "fortnight"}, "/definition/window/period"),
        ({"period": "month", "offset": 1}, "/definition/window/offset"),
        ({"period": "month", "offset": -401}, "/definition/window/offset"),
        ({"period": "month", "last": "2 days"}, "/definition/window"),
        ({"offset": -1}, "/definition/window"),
    ],
)
async def test_what_is_wrong_is_named(stage, window, pointer):
    body = {"name": "s", "state": "live", "definition": {"did": "bought", "window": window}}
    answer = await stage.app.client.post("/v1/segment/segments", json=body)
    assert answer.status_code == 422
    assert any(one["pointer"].startswith(pointer) for one in answer.json()["errors"]), answer.text
