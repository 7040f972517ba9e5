"""Months and years before now, at the ends of months and where clocks change: who has left a window stays out."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.segment.domain.edges import Edge
from services.segment.domain.moment import Moment
from services.segment.domain.spans import Span
from services.segment.domain.walls import TICK, instant_of
from tests.segment.neutral import a_stage_at
from tests.segment.oracle_of_persons import When
from tests.segment.oracle_of_times import back

# clocks that change by an hour and by half of one, one at midnight; a day left out (30 December 2011)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Pacific/Apia")
zones = st.sampled_from(ZONES)
# where something happens: ends of months, leap days, changes of clocks, hours apart from them
corners = st.sampled_from([
    "2023-02-28", "2024-02-29", "2024-03-01", "2023-03-29", "2024-03-31", "2024-05-31", "2024-08-31", "2024-10-27",
    "2024-11-03", "2024-12-03", "2024-03-10", "2024-04-10", "2011-12-30", "2012-01-30", "2024-04-06", "2024-10-06",
    "2024-09-08", "2025-03-31", "2026-03-31", "2024-12-31",
])  # fmt: skip
instants = st.builds(
    lambda day, minutes, more: datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(minutes=minutes) + more,
    corners,
    st.integers(-2 * 1440, 2 * 1440),
    st.timedeltas(timedelta(), timedelta(minutes=1)),
)
steps = st.one_of(
    st.timedeltas(timedelta(), timedelta(hours=3)), st.timedeltas(timedelta(), timedelta(days=5)), st.just(timedelta())
)
spans = st.builds(Span, st.integers(1, 14), st.sampled_from([0, 1, 3600, 86_400]))


@settings(max_examples=400, deadline=None)
@given(now=instants, step=steps, span=spans, zone=zones)
@example(datetime(2023, 3, 28, 12, tzinfo=UTC), timedelta(hours=22), Span(1), "UTC")
@example(datetime(2024, 5, 31, 0, 59, tzinfo=UTC), timedelta(minutes=6), Span(2), "Europe/Berlin")
@example(datetime(2024, 11, 3, 5, 59, tzinfo=UTC), timedelta(minutes=6), Span(1), "America/New_York")
def test_as_now_goes_forward_so_does_what_lies_a_span_before_and_after_it(now, step, span, zone):
    assert span.earlier(now, zone) <= span.earlier(now + step, zone)
    assert span.later(now, zone) <= span.later(now + step, zone)


@settings(max_examples=200, deadline=None)
@given(now=instants, row=steps, span=spans, zone=zones, after=st.booleans(), forward=st.booleans())
def test_a_row_is_due_at_the_first_instant_at_which_the_clock_stands_otherwise_to_it(
    now, row, span, zone, after, forward
):
    edge = Edge("event", "bought", span, after=after, forward=forward)
    at = edge.reaches(Moment(now, zone)) + row
    due = edge.due(at, Moment(now, zone))

    def is_passed(instant):
        reached = edge.reaches(Moment(instant, zone))
        return reached > at if after else reached >= at

    assert is_passed(due)
    assert not is_passed(due - TICK)


@settings(max_examples=200, deadline=None)
@given(now=instants, months=st.integers(-14, 14).filter(bool), zone=zones)
def test_the_oracle_reckons_the_same(now, months, zone):
    expected = back(When(now, zone), f"{abs(months)} months", 1 if months > 0 else -1)
    span = Span(abs(months))
    assert (span.later if months > 0 else span.earlier)(now, zone) == expected


@pytest.mark.parametrize(
    ("now", "zone", "before"),
    [
        ("2023-03-28T10:00:00+00:00", "UTC", "2023-02-28T10:00:00+00:00"),
        ("2023-03-29T10:00:00+00:00", "UTC", "2023-03-01T00:00:00+00:00"),
        ("2023-03-31T10:00:00+00:00", "UTC", "2023-03-01T00:00:00+00:00"),
        ("2024-03-30T10:00:00+00:00", "UTC", "2024-03-01T00:00:00+00:00"),
        ("2024-04-30T03:30:00+02:00", "Europe/Berlin", "2024-03-30T03:30:00+01:00"),
        ("2024-05-01T02:30:00+02:00", "Europe/Berlin", "2024-04-01T02:30:00+02:00"),
        ("2024-11-27T02:30:00+01:00", "Europe/Berlin", "2024-10-27T02:30:00+02:00"),
        ("2024-10-27T02:30:00+02:00", "Europe/Berlin", "2024-09-27T02:30:00+02:00"),
        ("2024-10-27T02:30:00+01:00", "Europe/Berlin", "2024-09-27T03:00:00+02:00"),
        ("2024-04-10T02:30:00-04:00", "America/New_York", "2024-03-10T03:00:00-04:00"),
    ],
)
def test_a_month_before(now, zone, before):
    assert Span(1).earlier(datetime.fromisoformat(now), zone) == datetime.fromisoformat(before)


@pytest.mark.parametrize(("zone", "day"), [("America/Santiago", date(2024, 9, 8)), ("Africa/Cairo", date(2024, 4, 26))])
def test_a_day_that_has_no_midnight_begins_when_the_clock_is_set(zone, day):
    begins = Moment(datetime(2024, 1, 1, tzinfo=UTC), zone).midnight(day)
    assert begins.astimezone(ZoneInfo(zone)).date() == day
    assert (begins - TICK).astimezone(ZoneInfo(zone)).date() < day
    assert begins == instant_of(datetime.combine(day, time()), zone)


MONTHS = [
    {"did": "bought", "window": {"last": "1 month"}},
    {"trait": "at", "op": "within_last", "span": "1 month"},
    {"trait": "at", "op": "more_than_ago", "span": "1 month"},
    {"trait": "x", "op": "has_been", "value": 1, "for_at_least": "1 month"},
    {"regularly": "bought", "period": "1 month", "periods": 1},
    {"stopped": "bought", "quiet": "1 month"},
    {"person": "older_than", "span": "1 month"},
]


async def test_at_the_end_of_february_members_are_as_asked_in_full(house):
    stage = await a_stage_at(house, "2023-02-28T11:00:00Z")
    segments = [await stage.segment(body) for body in MONTHS]
    await stage.event("kim", "bought")
    await stage.trait("kim", "at", "2023-02-28T11:00:00Z")
    await stage.trait("kim", "x", 1)
    await stage.create("lea")
    await stage.changes()
    for now in ("28T10:59", "28T12:00", "29T10:00", "30T12:00", "31T10:00", "31T23:59"):
        await stage.clock(datetime.fromisoformat(f"2023-03-{now}:00+00:00"))
        await stage.assert_no_drift()
    told = await stage.changes()
    assert {(who, word) for segment, who, word, _ in told if segment == segments[0]} == {("kim", "exited")}
    assert len(told) == len({(segment, who) for segment, who, _, _ in told})  # who left, or came, did so once


async def test_where_clocks_are_put_forward_members_are_as_asked_in_full(house):
    stage = await a_stage_at(house, "2024-03-31T01:20:00Z", "Europe/Berlin")
    segment = await stage.segment({"did": "bought", "window": {"last": "2 months"}})
    await stage.event("kim", "bought")
    for minute in (25, 59, 65, 90):
        await stage.clock(datetime(2024, 5, 31, tzinfo=UTC) + timedelta(minutes=minute))
        await stage.assert_no_drift()
    assert [word for _, _, word, _ in await stage.changes()] == ["entered", "exited"]
    assert await stage.members(segment) == set()


async def test_a_day_without_midnight_moves_who_counts_by_days(house):
    stage = await a_stage_at(house, "2024-09-07T20:00:00Z", "America/Santiago")
    segment = await stage.segment({"trait": "at", "op": "in_period", "period": "day"})
    await stage.trait("kim", "at", "2024-09-08T12:00:00")
    await stage.clock(datetime(2024, 9, 8, 3, 59, tzinfo=UTC))
    assert await stage.members(segment) == set()
    await stage.clock(datetime(2024, 9, 8, 4, 1, tzinfo=UTC))
    assert await stage.members(segment) == {"kim"}
    await stage.assert_no_drift()
