"""When: clock times, windows, dates and recurrences in a person's zone.

Everything here is pure: `now` and the zone come in, an instant in UTC goes out.
"""

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from services.journey.domain.local_clock import ClockTime, Weekday, instant, is_allowed, local_date, parse_instant
from services.journey.domain.recurrence import check_rule, read_rule

_SEARCH_DAYS = 400
_MOST_OCCURRENCES = 10_000


class Rule(BaseModel):
    """Says when; `kind` names the form."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class LocalTime(Rule):
    """The next time the clock shows `at`, on one of the days; now counts."""

    kind: Literal["local_time"] = "local_time"
    at: ClockTime
    days: tuple[Weekday, ...] | None = None

    def next(self, now: datetime, zone: tzinfo, /) -> datetime:
        """Return the instant."""
        start = local_date(now, zone) - timedelta(days=1)
        for ahead in range(_SEARCH_DAYS):
            day = start + timedelta(days=ahead)
            if is_allowed(day, self.days):
                moment = instant(datetime.combine(day, self.at), zone)
                if moment >= now:
                    return moment
        raise AssertionError("every weekday comes within eight days")


class Window(Rule):
    """The earliest moment inside [from, to); over midnight when from > to, then it belongs to the day it opens."""

    kind: Literal["window"] = "window"
    opens: ClockTime = Field(alias="from")
    closes: ClockTime = Field(alias="to")
    days: tuple[Weekday, ...] | None = None

    @model_validator(mode="after")
    def _has_an_inside(self) -> "Window":
        if self.opens == self.closes:
            raise ValueError("a window that opens when it closes has no inside")
        return self

    def next(self, now: datetime, zone: tzinfo, /) -> datetime:
        """Return the instant: now itself when it lies inside."""
        start = local_date(now, zone) - timedelta(days=2)
        for ahead in range(_SEARCH_DAYS):
            day = start + timedelta(days=ahead)
            if not is_allowed(day, self.days):
                continue
            last = day if self.opens < self.closes else day + timedelta(days=1)
            opens = instant(datetime.combine(day, self.opens), zone)
            closes = instant(datetime.combine(last, self.closes), zone)
            if now < closes and opens < closes:
                return max(now, opens)
        raise AssertionError("every weekday comes within eight days")


class Days(Rule):
    """Now on one of the days, else the start of the next one of them."""

    kind: Literal["days"] = "days"
    days: tuple[Weekday, ...] = Field(min_length=1)

    def next(self, now: datetime, zone: tzinfo, /) -> datetime:
        """Return the instant."""
        today = local_date(now, zone)
        if is_allowed(today, self.days):
            return now
        day = next(d for d in (today + timedelta(days=n) for n in range(1, 8)) if is_allowed(d, self.days))
        return instant(datetime.combine(day, time()), zone)


class Elapsed(Rule):
    """So many seconds of real time later."""

    kind: Literal["elapsed"] = "elapsed"
    seconds: float = Field(ge=0, le=3_200_000_000)

    def next(self, now: datetime, _zone: tzinfo, /) -> datetime:
        """Return the instant."""
        return now + timedelta(seconds=self.seconds)


class Calendar(Rule):
    """`days` local days later at the same clock time, or at `at`."""

    kind: Literal["calendar"] = "calendar"
    days: int = Field(ge=0, le=36_525)
    at: ClockTime | None = None

    def next(self, now: datetime, zone: tzinfo, /) -> datetime:
        """Return the instant, never before now."""
        local = now.astimezone(zone)
        day = local.date() + timedelta(days=self.days)
        moment = instant(datetime.combine(day, self.at or local.time().replace(tzinfo=None)), zone)
        return max(moment, now)


class Date(Rule):
    """A date, moved by an offset; one that has passed means now (late)."""

    kind: Literal["date"] = "date"
    value: str = Field(max_length=64)
    offset_seconds: float = Field(default=0, ge=-3_200_000_000, le=3_200_000_000)

    @field_validator("value")
    @classmethod
    def _is_a_date(cls, value: str) -> str:
        try:
            datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError("a date is an ISO 8601 text") from error
        return value

    def moment(self, zone: tzinfo) -> datetime:
        """Return the date's own instant, past or not."""
        return parse_instant(self.value, zone) + timedelta(seconds=self.offset_seconds)

    def next(self, now: datetime, zone: tzinfo, /) -> datetime:
        """Return the instant, never before now."""
        return max(self.moment(zone), now)


class Daily(Rule):
    """Every local day from `first` to `last` at a clock time."""

    kind: Literal["daily"] = "daily"
    at: ClockTime
    first: date
    last: date

    def occurrences(self, zone: tzinfo) -> list[datetime]:
        """Return every instant, one a local day."""
        days = min((self.last - self.first).days + 1, _MOST_OCCURRENCES)
        return [instant(datetime.combine(self.first + timedelta(days=n), self.at), zone) for n in range(days)]


class Yearly(Rule):
    """Once a year; 29 February falls on 28 February in a common year; `offset_days` moves the day."""

    kind: Literal["yearly"] = "yearly"
    month: int = Field(ge=1, le=12)
    day: int = Field(ge=1, le=31)
    at: ClockTime = time()
    offset_days: int = Field(default=0, ge=-366, le=366)

    @model_validator(mode="after")
    def _is_a_day(self) -> "Yearly":
        try:
            date(2024, self.month, self.day)
        except ValueError as error:
            raise ValueError("there is no such day in any year") from error
        return self

    def in_year(self, year: int) -> date:
        """Return the day it falls on, offset included."""
        try:
            day = date(year, self.month, self.day)
        except ValueError:
            day = date(year, 2, 28)
        return day + timedelta(days=self.offset_days)

    def next(self, now: datetime, zone: tzinfo, /) -> datetime:
        """Return the next instant; now counts."""
        year = local_date(now, zone).year
        for candidate in range(year - 2, year + 4):
            moment = instant(datetime.combine(self.in_year(candidate), self.at), zone)
            if moment >= now:
                return moment
        raise AssertionError("every year has the day")


class Recurrence(Rule):
    """RFC 5545 rule over the zone's own clock: the clock times stay when the offset changes."""

    kind: Literal["rrule"] = "rrule"
    rrule: str = Field(max_length=500)
    start_local: datetime
    from_local: datetime | None = None
    to_local: datetime | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> "Recurrence":
        for name in ("start_local", "from_local", "to_local"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is not None:
                raise ValueError(f"{name} is a local time, without an offset")
        check_rule(self.rrule, self.start_local)
        return self

    def occurrences(self, zone: tzinfo) -> list[datetime]:
        """Return the instants between `from_local` and `to_local`, both included."""
        first = self.from_local or self.start_local
        found: list[datetime] = []
        for moment in read_rule(self.rrule, self.start_local).xafter(first, inc=True):
            if (self.to_local is not None and moment > self.to_local) or len(found) >= _MOST_OCCURRENCES:
                break
            found.append(instant(moment, zone))
        return found

    def next(self, now: datetime, zone: tzinfo, /) -> datetime | None:
        """Return the next instant, now included; None when the rule is used up."""
        # a day earlier: a time shifted out of a gap is later than its clock time says
        first = max(self.from_local or self.start_local, now.astimezone(zone).replace(tzinfo=None) - timedelta(days=1))
        for moment in read_rule(self.rrule, self.start_local).xafter(first, count=_MOST_OCCURRENCES, inc=True):
            if self.to_local is not None and moment > self.to_local:
                return None
            if instant(moment, zone) >= now:
                return instant(moment, zone)
        return None


class NoWait(Rule):
    """At once."""

    kind: Literal["none"] = "none"

    def next(self, now: datetime, _zone: tzinfo, /) -> datetime:
        """Return now."""
        return now


Once = Annotated[
    LocalTime | Window | Days | Elapsed | Calendar | Date | Yearly | Recurrence | NoWait, Field(discriminator="kind")
]
"""A rule that answers with its next instant."""
