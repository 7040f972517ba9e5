"""The instant a question is asked for, and the calendar it is read in."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from dateutil.relativedelta import FR, MO, SA, SU, TH, TU, WE, relativedelta

from services.segment.domain.silence import NOTHING_DECLARED, Silence
from services.segment.domain.walls import instant_of

Period = Literal["day", "week", "month", "quarter", "year"]
PERIODS: tuple[Period, ...] = ("day", "week", "month", "quarter", "year")
_WEEKDAYS = (MO, TU, WE, TH, FR, SA, SU)


@dataclass(frozen=True, slots=True)
class Calendar:
    """What days, weeks and times that name no zone are reckoned by: a zone, the day weeks start on (0 = Monday)."""

    zone: str = "UTC"
    week_start: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, in a workspace: its zone, the day its weeks start on (0 = Monday), what silence means in it."""

    now: datetime
    zone: str = "UTC"
    week_start: int = 0
    silence: Silence = NOTHING_DECLARED

    @property
    def calendar(self) -> Calendar:
        """Return what it is reckoned by."""
        return Calendar(self.zone, self.week_start)

    def by(self, calendar: Calendar) -> "Moment":
        """Return the same instant by another calendar."""
        return replace(self, zone=calendar.zone, week_start=calendar.week_start)

    @property
    def today(self) -> date:
        """Return the day it is in the zone."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    def midnight(self, day: date) -> datetime:
        """Return the instant a day begins here; where midnight does not exist, the first instant after the gap."""
        return instant_of(datetime.combine(day, time()), self.zone)

    def period(self, period: Period, offset: int) -> tuple[datetime, datetime]:
        """Return the bounds [from, to) of the calendar period `offset` periods from the present one."""
        first = self.period_start(period, offset)
        return self.midnight(first), self.midnight(self.period_start(period, offset + 1))

    def period_start(self, period: Period, offset: int, *, today: date | None = None) -> date:
        """Return the first day of the calendar period `offset` periods from the present one (or from another day's)."""
        today = today or self.today
        match period:
            case "day":
                return today + timedelta(days=offset)
            case "week":
                start = today + relativedelta(weekday=_WEEKDAYS[self.week_start](-1))
                return start + timedelta(weeks=offset)
            case "month":
                return today.replace(day=1) + relativedelta(months=offset)
            case "quarter":
                return date(today.year, 3 * ((today.month - 1) // 3) + 1, 1) + relativedelta(months=3 * offset)
            case "year":
                return date(today.year + offset, 1, 1)


def number_of(day: date) -> int:
    """Return a day as YYYYMMDD."""
    return day.year * 10_000 + day.month * 100 + day.day


def days_on_earth(now: datetime) -> list[date]:
    """Return every day it can be somewhere at an instant."""
    day = now.astimezone(UTC).date()
    return [day - timedelta(days=1), day, day + timedelta(days=1)]


@cache
def all_zones() -> tuple[str, ...]:
    """Return the time zones there are."""
    return tuple(sorted(available_timezones()))


def known_zone(name: str | None, otherwise: str = "UTC") -> str:
    """Return the zone's name if it exists, else the other one."""
    try:
        ZoneInfo(name or "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return otherwise
    return name or otherwise
