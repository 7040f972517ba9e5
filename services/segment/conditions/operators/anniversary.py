"""anniversary: the day of the year is today, or so many days from today."""

from calendar import isleap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from services.segment.conditions.zones import read_zone, today_there
from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry, OperatorKind, Test
from services.segment.domain.edges import CalendarEdge, PersonCalendarEdge, TimeEdge
from services.segment.domain.moment import days_on_earth, number_of
from services.segment.domain.reader import Reader
from services.segment.domain.shape import ZONE, Example, Shape, whole
from services.segment.domain.values import Facet


@dataclass(frozen=True)
class Anniversary(Test):
    """The value's day of the year is `in_days` from today; 29 February falls on the 28th in other years."""

    in_days: int
    by_person_zone: bool = False

    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL of it, before negation."""
        if self.by_person_zone:
            return self._by_person_zone(value, inquiry)
        day = inquiry.moment.today + timedelta(days=self.in_days)
        days = _days(day)
        zone = inquiry.zone
        month, of_month = value.local(zone, "toMonth"), value.local(zone, "toDayOfMonth")
        return f"({value.has(Facet.TIME)} and has({inquiry.bind.wholes(days)}, toInt32({month} * 100 + {of_month})))"

    def _by_person_zone(self, value: ValueColumns, inquiry: Inquiry) -> str:
        bind, there = inquiry.bind, days_on_earth(inquiry.moment.now)
        born, today = f"toInt32({value.local_day('%m%d')})", f"toInt32({today_there(value, inquiry)})"
        falling = [(number_of(day), _days(day + timedelta(days=self.in_days))) for day in there]
        told = [f"({today} = {bind.whole(day)} and has({bind.wholes(days)}, {born}))" for day, days in falling]
        return f"({value.has(Facet.TIME)} and ({' or '.join(told)}))"

    def edges(self, name: str, path: tuple[str, ...]) -> Iterator[TimeEdge]:  # noqa: ARG002 - the shape of every one
        """Yield whom the clock concerns."""
        yield PersonCalendarEdge(name, "day") if self.by_person_zone else CalendarEdge(name, "day")


def _parse(_name: str, reader: Reader) -> Test:
    given = reader.get("in_days")
    return Anniversary(given.whole(at_least=-366, at_most=366) if given else 0, read_zone(reader))


def _days(day: date) -> list[int]:
    """Return the days of the year (month * 100 + day) whose anniversary falls on a day."""
    leapless = (day.month, day.day) == (2, 28) and not isleap(day.year)
    return [day.month * 100 + day.day, *([229] if leapless else [])]


operator = OperatorKind(
    ("anniversary",),
    ("in_days", "zone"),
    _parse,
    (Shape({}, {"in_days": whole(-366, 366), "zone": ZONE}, ("anniversary",)),),
    (Example("birthday in a week; 29 February falls on the 28th in other years", {"op": "anniversary", "in_days": 7}),),
    fits=("text", "time", "date"),
    only_traits=True,
)
