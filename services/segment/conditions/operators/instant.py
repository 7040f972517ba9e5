"""before, after: a fixed instant; a bound without a clock time means the whole day in the workspace's zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.segment.domain.binding import microseconds
from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry, OperatorKind, Test
from services.segment.domain.reader import Reader
from services.segment.domain.shape import TIME, Example, Shape
from services.segment.domain.values import Facet, Scalar, parse_time

DATE_LENGTH = 10


@dataclass(frozen=True)
class Bound:
    """A given time; `local` when it names no zone, `days` is added for the far end of a whole day."""

    time: datetime
    local: bool
    days: int = 0

    def instant(self, zone: str) -> datetime:
        """Return the instant meant in a zone."""
        time = self.time + timedelta(days=self.days)
        return time.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) if self.local else time


@dataclass(frozen=True)
class TimeRange(Test):
    """The value is a time in [low, high); `past_low` excludes the low end itself."""

    low: Bound | None = None
    high: Bound | None = None
    past_low: bool = False

    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL of it, before negation."""
        parts = [value.has(Facet.TIME)]
        at = value.instant(inquiry.zone)
        zone = inquiry.moment.zone
        if self.low:
            sign = ">" if self.past_low else ">="
            parts.append(f"{at} {sign} {inquiry.bind.whole(microseconds(self.low.instant(zone)))}")
        if self.high:
            parts.append(f"{at} < {inquiry.bind.whole(microseconds(self.high.instant(zone)))}")
        return f"({' and '.join(parts)})"

    @classmethod
    def between(cls, low: Scalar, high: Scalar) -> "TimeRange | None":
        """Return the range between two times, or None when they are not both times."""
        if not (isinstance(low, str) and isinstance(high, str)):
            return None
        first, last = parse_time(low), parse_time(high)
        if first is None or last is None:
            return None
        return cls(Bound(*first), Bound(*last, days=1 if len(high) == DATE_LENGTH else 0))


def _parse(name: str, reader: Reader) -> Test:
    given = reader.need("value")
    time, local = given.time()
    whole_day = isinstance(given.value, str) and len(given.value) == DATE_LENGTH
    if name == "before":
        return TimeRange(high=Bound(time, local))
    return TimeRange(low=Bound(time, local, 1 if whole_day else 0), past_low=not whole_day)


operator = OperatorKind(
    ("before", "after"),
    ("value",),
    _parse,
    (Shape({"value": TIME}, ops=("before", "after")),),
    (
        Example("before an instant", {"op": "before", "value": "2024-05-01T09:00:00+08:00"}),
        Example("after a whole day", {"op": "after", "value": "2024-05-01"}),
    ),
    fits=("text", "time", "date"),
)
