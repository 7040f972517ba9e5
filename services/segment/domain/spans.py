"""Lengths of time: minutes to days are exact, months and years follow the workspace's calendar."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from dateutil.relativedelta import relativedelta

from services.segment.domain.walls import TICK, instant_of, wall_at

_EXACT_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_WORDS = re.compile(r"\s*(\d{1,9})\s*([a-z]+?)s?\s*", re.ASCII)
_ISO = re.compile(
    r"P(?=\d|T\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII
)
_LONGEST_MONTHS = 1200
_LONGEST_SECONDS = 36_525 * 86_400


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time: calendar months and seconds.

    As now goes forward, so does what lies a span from it: a day that the other month lacks is the beginning of the
    month after it, an hour that a clock change leaves out its end. Were the last day taken, who has left a window
    would come in again on the 29th, 30th and 31st.
    """

    months: int = 0
    seconds: int = 0

    def __mul__(self, times: int) -> "Span":
        return Span(self.months * times, self.seconds * times)

    def within(self, other: "Span") -> bool:
        """Tell whether neither part is longer than the other's."""
        return self.months <= other.months and self.seconds <= other.seconds

    def shorter_than(self, other: "Span") -> bool:
        """Tell whether it is shorter whatever the calendar says; a month is 28 to 31 days."""
        return self.months * 31 * 86_400 + self.seconds < other.months * 28 * 86_400 + other.seconds or (
            self != other and self.within(other)
        )

    def earlier(self, now: datetime, zone: str) -> datetime:
        """Return the instant this long before `now`."""
        return self._move(now, zone, -1)

    def later(self, now: datetime, zone: str) -> datetime:
        """Return the instant this long after `now`."""
        return self._move(now, zone, 1)

    def _move(self, now: datetime, zone: str, sign: int) -> datetime:
        moved = instant_of(_on(wall_at(now, zone), sign * self.months), zone) if self.months else now
        return moved + sign * timedelta(seconds=self.seconds)

    def passes(self, moment: datetime, zone: str, *, forward: bool = False) -> datetime:
        """Return the first `now` at which `now` minus this span (plus, when forward) has reached `moment`."""
        lag = self.later if forward else self.earlier
        guess = self.earlier(moment, zone) if forward else self.later(moment, zone)
        if not self.months:
            return guess
        # months of several lengths make the inverse inexact: it lies within five days, a day left out among them
        low, high = guess - timedelta(days=5), guess + timedelta(days=5)
        while high - low > TICK:
            middle = low + (high - low) // 2
            if lag(middle, zone) >= moment:
                high = middle
            else:
                low = middle
        return high


def _on(wall: datetime, months: int) -> datetime:
    moved = wall + relativedelta(months=months)
    return moved if moved.day == wall.day else datetime.combine(moved.date() + timedelta(days=1), time())


LONGEST = Span(_LONGEST_MONTHS, _LONGEST_SECONDS)


def parse_span(text: str) -> Span | None:
    """Return the span of "7 days", "1 week" or "P7D"; None when it is none or longer than 100 years."""
    span = _from_iso(text) or _from_words(text)
    return span if span is not None and span.within(LONGEST) else None


def _from_words(text: str) -> Span | None:
    found = _WORDS.fullmatch(text.lower()) if len(text) < 40 else None
    if found is None:
        return None
    count, unit = int(found[1]), found[2]
    if unit in _EXACT_SECONDS:
        return Span(seconds=count * _EXACT_SECONDS[unit])
    return Span(months=count * _MONTHS[unit]) if unit in _MONTHS else None


def _from_iso(text: str) -> Span | None:
    found = _ISO.fullmatch(text) if len(text) < 40 else None
    if found is None:
        return None
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return Span(years * 12 + months, ((weeks * 7 + days) * 24 + hours) * 3600 + minutes * 60 + seconds)
