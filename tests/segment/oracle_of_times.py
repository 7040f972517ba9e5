"""The oracle's part about time: spans, calendars, and the operators that compare times."""

import calendar
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.segment.oracle_of_persons import When


def back(when: When, span: str, sign: int = -1) -> datetime:
    """Return the instant a span before (or after) now; months by the local calendar, which never goes back."""
    count, unit = span.split()
    unit = unit.rstrip("s")
    exact = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
    if unit in exact:
        return when.now + sign * timedelta(seconds=int(count) * exact[unit])
    months = int(count) * {"month": 1, "quarter": 3, "year": 12}[unit] * sign
    shown = _shown(when.now, when.zone)
    year, month = divmod(shown.year * 12 + shown.month - 1 + months, 12)
    if shown.day > calendar.monthrange(year, month + 1)[1]:
        year, month = divmod(year * 12 + month + 1, 12)
        return _midnight(date(year, month + 1, 1), when)
    return _instant(shown.replace(year=year, month=month + 1), when.zone)


def _shown(instant: datetime, zone: str) -> datetime:
    """Return what a clock shows; while it shows an hour again, what it shows after it."""
    local = instant.astimezone(ZoneInfo(zone))
    while local.fold:
        instant = instant.replace(second=0, microsecond=0) + timedelta(minutes=1)
        local = instant.astimezone(ZoneInfo(zone))
    return local.replace(tzinfo=None)


def _instant(shown: datetime, zone: str) -> datetime:
    """Return when a clock shows a time first; what it skips is when it skips it."""
    instant = shown.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    minute = instant.replace(second=0, microsecond=0)
    while minute.astimezone(ZoneInfo(zone)).replace(tzinfo=None) > shown:
        instant, minute = minute, minute - timedelta(minutes=1)
    return instant


def read_time(text: str, when: When) -> tuple[datetime, bool] | None:
    """Return the instant of a text, and whether it is a bare date; without a zone it is local."""
    if not re.match(r"\d{4}-\d\d-\d\d", text):
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=ZoneInfo(when.zone))
    if not 1900 <= parsed.year <= 2299:
        return None  # the store holds times of these years
    return parsed.astimezone(UTC), len(text) == 10


def _placed(text: str, test: Mapping[str, Any], when: When) -> tuple[datetime, bool] | None:
    """Return where a time stands among others, and whether it is a bare date.

    It is an instant; by the person's own zone it is what the clock on his wall shows then, which a text that names no
    zone says itself.
    """
    found = read_time(text, when)
    if found is None or test.get("zone") != "person":
        return found
    said = datetime.fromisoformat(text)
    shown = said if said.tzinfo is None else said.astimezone(ZoneInfo(when.zone))
    return shown.replace(tzinfo=None), found[1]


def between_times(value: str, test: Mapping[str, Any], when: When) -> bool:
    """Return whether a time lies between two; a bare date as the far end is the whole day."""
    time = _placed(value, test, when)
    low, high = (_placed(bound, test, when) for bound in test["value"])
    assert low and high
    return time is not None and low[0] <= time[0] < (_next_day(high[0], when) if high[1] else high[0])


def _next_day(time: datetime, when: When) -> datetime:
    if time.tzinfo is None:  # it is what a clock shows
        return time + timedelta(days=1)
    local = time.astimezone(ZoneInfo(when.zone)).date() + timedelta(days=1)
    return _midnight(local, when)


def _midnight(day: date, when: When) -> datetime:
    return _instant(datetime.combine(day, datetime.min.time()), when.zone)


def _before(value: str, test: Mapping[str, Any], when: When) -> bool:
    time, bound = _placed(value, test, when), _placed(test["value"], test, when)
    return time is not None and bound is not None and time[0] < bound[0]


def _after(value: str, test: Mapping[str, Any], when: When) -> bool:
    time, bound = _placed(value, test, when), _placed(test["value"], test, when)
    if time is None or bound is None:
        return False
    return time[0] >= _next_day(bound[0], when) if bound[1] else time[0] > bound[0]


def _within_last(value: str, test: Mapping[str, Any], when: When) -> bool:
    time = read_time(value, when)
    return time is not None and back(when, test["span"]) <= time[0] <= when.now


def _within_next(value: str, test: Mapping[str, Any], when: When) -> bool:
    time = read_time(value, when)
    return time is not None and when.now <= time[0] < back(when, test["span"], 1)


def _more_than_ago(value: str, test: Mapping[str, Any], when: When) -> bool:
    time = read_time(value, when)
    return time is not None and time[0] < back(when, test["span"])


def _in_period(value: str, test: Mapping[str, Any], when: When) -> bool:
    time = read_time(value, when)
    return time is not None and in_period(time[0], test["period"], test.get("offset", 0), when)


def in_period(time: datetime, period: str, offset: int, when: When) -> bool:
    """Return whether a time lies so many calendar periods from the present one."""
    zone = ZoneInfo(when.zone)
    today, day = when.now.astimezone(zone).date(), time.astimezone(zone).date()
    return _ordinal(day, period) == _ordinal(today, period) + offset


def _ordinal(day: date, period: str) -> int:
    months = day.year * 12 + day.month - 1
    weeks = (day.toordinal() - 1) // 7
    return {"day": day.toordinal(), "week": weeks, "month": months, "quarter": months // 3, "year": day.year}[period]


def _anniversary(value: str, test: Mapping[str, Any], when: When) -> bool:
    time = read_time(value, when)
    if time is None:
        return False
    zone = ZoneInfo(when.zone)
    day = when.now.astimezone(zone).date() + timedelta(days=test.get("in_days", 0))
    born = time[0].astimezone(zone).date()
    if (born.month, born.day) == (2, 29) and not calendar.isleap(day.year):
        return (day.month, day.day) == (2, 28)
    return (day.month, day.day) == (born.month, born.day)


TIMES = {
    "before": _before,
    "after": _after,
    "within_last": _within_last,
    "within_next": _within_next,
    "more_than_ago": _more_than_ago,
    "in_period": _in_period,
    "anniversary": _anniversary,
}
