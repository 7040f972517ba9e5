"""The clock on the wall of a zone.

In a gap the clock time shifts forward by the length of the gap (02:30 -> 03:30, as RFC 5545 says it); of an ambiguous
time the first counts.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, tzinfo
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _clock(value: Any) -> time:
    if isinstance(value, time):
        return value
    if isinstance(value, str) and len(value) <= 8:
        try:
            return time.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("a clock time is a text such as 09:30")


ClockTime = Annotated[time, BeforeValidator(_clock), PlainSerializer(lambda t: t.isoformat("minutes"), return_type=str)]


def instant(local: datetime, zone: tzinfo) -> datetime:
    """Return the UTC instant of a zone's clock time: gaps shift forward, of ambiguous times the first counts."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def local_date(now: datetime, zone: tzinfo) -> date:
    """Return the calendar day of an instant in a zone."""
    return now.astimezone(zone).date()


def is_allowed(day: date, days: Iterable[Weekday] | None) -> bool:
    """Return whether a day is one of the weekdays; none named means all."""
    return not days or WEEKDAYS[day.weekday()] in days


def parse_instant(value: str, zone: tzinfo) -> datetime:
    """Return the UTC instant of an ISO 8601 text; without an offset it is the zone's clock, a bare day its midnight.

    Raises ValueError.
    """
    parsed = datetime.fromisoformat(value)
    return instant(parsed, zone) if parsed.tzinfo is None else parsed.astimezone(UTC)
