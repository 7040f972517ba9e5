"""ISO 8601 durations: `PT30M`, `P1D`, `-P3D`, `P1M`; years and months follow the calendar."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from dateutil.relativedelta import relativedelta
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_FORM = re.compile(
    r"(?P<sign>[+-])?P(?=\d|T\d)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+(?:\.\d+)?)W)?"
    r"(?:(?P<days>\d+(?:\.\d+)?)D)?(?:T(?=\d)(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_LONGEST_MONTHS = 12 * 100
_LONGEST = timedelta(days=36_525)


@dataclass(frozen=True)
class Duration:
    """A length of time: calendar months, then exact time; negative ones look back."""

    text: str
    months: int
    exact: timedelta

    def after(self, start: datetime) -> datetime:
        """Return the moment this long after `start`."""
        moved = start + relativedelta(months=self.months) if self.months else start
        return moved + self.exact


def parse_duration(text: str) -> Duration:
    """Return the duration of an ISO 8601 text; ValueError when it is none, or longer than a hundred years."""
    match = _FORM.fullmatch(text) if len(text) <= 60 else None
    if match is None:
        raise ValueError("this is not an ISO 8601 duration such as PT30M or P1D")
    sign = -1 if match["sign"] == "-" else 1
    months = int(match["years"] or 0) * 12 + int(match["months"] or 0)
    seconds = sum(
        float(match[unit] or 0) * size
        for unit, size in (("weeks", 604_800), ("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))
    )
    if months > _LONGEST_MONTHS or seconds > _LONGEST.total_seconds():
        raise ValueError("a duration is at most a hundred years")
    return Duration(text, sign * months, sign * timedelta(seconds=seconds))


def _read(value: Any) -> Duration:
    if isinstance(value, Duration):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    raise ValueError("a duration is a text such as PT30M or P1D")


def _read_forward(value: Any) -> Duration:
    duration = _read(value)
    if duration.months < 0 or duration.exact < timedelta(0):
        raise ValueError("this duration cannot look back")
    return duration


_SHOWN = PlainSerializer(lambda duration: duration.text, return_type=str)
_SCHEMA = WithJsonSchema({"type": "string", "format": "duration"})
Span = Annotated[Duration, BeforeValidator(_read_forward), _SHOWN, _SCHEMA]
"""A duration forward in time."""
Offset = Annotated[Duration, BeforeValidator(_read), _SHOWN, _SCHEMA]
"""A duration that may be negative."""
