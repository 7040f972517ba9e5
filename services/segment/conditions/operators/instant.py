"""before, after: a fixed time; a bound without a clock time means the whole day, in the workspace's or his own zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.segment.conditions.zones import read_zone, shown_there
from services.segment.domain.binding import microseconds
from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry, OperatorKind, Test
from services.segment.domain.reader import Reader
from services.segment.domain.shape import TIME, ZONE, Example, Shape
from services.segment.domain.values import Facet, Scalar, parse_time

DATE_LENGTH = 10
WALL = "%Y-%m-%d %H:%i:%S.%f"
"""What a clock shows, as the engine writes it: such texts stand in the order of the times."""


@dataclass(frozen=True)
class Bound:
    """A given time; `local` when it names no zone, `days` is added for the far end of a whole day."""

    time: datetime
    local: bool
    days: int = 0

    def instant(self, zone: str) -> datetime:
        """Return the instant meant in a zone."""
        return self.stated.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) if self.local else self.stated

    @property
    def stated(self) -> datetime:
        """Return the instant, or what a clock shows where it is `local`; in UTC either way."""
        return self.time + timedelta(days=self.days)


@dataclass(frozen=True)
class TimeRange(Test):
    """The value is a time in [low, high); `past_low` excludes the low end itself.

    By the person's zone all of them are what the clock on his wall shows.
    """

    low: Bound | None = None
    high: Bound | None = None
    past_low: bool = False
    by_person_zone: bool = False

    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL of it, before negation."""
        parts = [value.has(Facet.TIME)]
        at = value.on_the_wall(WALL) if self.by_person_zone else value.instant(inquiry.zone)
        if self.low:
            sign = ">" if self.past_low else ">="
            parts.append(f"{at} {sign} {self._end(self.low, value, inquiry)}")
        if self.high:
            parts.append(f"{at} < {self._end(self.high, value, inquiry)}")
        return f"({' and '.join(parts)})"

    def _end(self, bound: Bound, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL of a bound, of the kind that the value is compared as."""
        if not self.by_person_zone:
            return inquiry.bind.whole(microseconds(bound.instant(inquiry.moment.zone)))
        if bound.local:
            return inquiry.bind.text(f"{bound.stated:%Y-%m-%d %H:%M:%S.%f}")
        return shown_there(bound.stated, WALL, value, inquiry)

    @classmethod
    def between(cls, low: Scalar, high: Scalar, *, by_person_zone: bool) -> "TimeRange | None":
        """Return the range between two times, or None when they are not both times."""
        if not (isinstance(low, str) and isinstance(high, str)):
            return None
        first, last = parse_time(low), parse_time(high)
        if first is None or last is None:
            return None
        far = Bound(*last, days=1 if len(high) == DATE_LENGTH else 0)
        return cls(Bound(*first), far, by_person_zone=by_person_zone)


def _parse(name: str, reader: Reader) -> Test:
    given = reader.need("value")
    time, local = given.time()
    whole_day = isinstance(given.value, str) and len(given.value) == DATE_LENGTH
    own = read_zone(reader)
    if name == "before":
        return TimeRange(high=Bound(time, local), by_person_zone=own)
    return TimeRange(low=Bound(time, local, 1 if whole_day else 0), past_low=not whole_day, by_person_zone=own)


operator = OperatorKind(
    ("before", "after"),
    ("value", "zone"),
    _parse,
    (Shape({"value": TIME}, {"zone": ZONE}, ("before", "after")),),
    (
        Example("before an instant", {"op": "before", "value": "2024-05-01T09:00:00+08:00"}),
        Example("after a whole day", {"op": "after", "value": "2024-05-01"}),
        Example(
            "before that hour by the clock where the person lives (a trait)",
            {"op": "before", "value": "2024-05-01T09:00:00", "zone": "person"},
        ),
    ),
    fits=("text", "time", "date"),
    of_traits=("zone",),
)
