"""in_period: today, this week, last month ... by the workspace's calendar."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.segment.conditions.zones import read_zone, today_there
from services.segment.domain.binding import microseconds
from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry, OperatorKind, Test
from services.segment.domain.edges import CalendarEdge, PersonCalendarEdge, TimeEdge
from services.segment.domain.moment import PERIODS, Period, days_on_earth, number_of
from services.segment.domain.reader import Reader
from services.segment.domain.shape import PERIOD, ZONE, Example, Shape, whole
from services.segment.domain.values import Facet


@dataclass(frozen=True)
class InPeriod(Test):
    """The value is a time in the calendar period `offset` periods from now (0 = this one, -1 = the last)."""

    period: Period
    offset: int
    by_person_zone: bool = False

    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL of it, before negation."""
        if self.by_person_zone:
            return self._by_person_zone(value, inquiry)
        first, last = (
            inquiry.bind.whole(microseconds(bound)) for bound in inquiry.moment.period(self.period, self.offset)
        )
        at = value.instant(inquiry.zone)
        return f"({value.has(Facet.TIME)} and {at} >= {first} and {at} < {last})"

    def _by_person_zone(self, value: ValueColumns, inquiry: Inquiry) -> str:
        moment, bind = inquiry.moment, inquiry.bind
        days = days_on_earth(moment.now)
        place = f"indexOf({bind.wholes([number_of(day) for day in days])}, toInt32({today_there(value, inquiry)}))"
        first, last = (
            f"arrayElement({bind.wholes(bounds)}, {place})"
            for bounds in (
                [number_of(moment.period_start(self.period, offset, today=day)) for day in days]
                for offset in (self.offset, self.offset + 1)
            )
        )
        day = f"toInt32({value.local_day('%Y%m%d')})"
        return f"({value.has(Facet.TIME)} and {day} >= {first} and {day} < {last})"

    def edges(self, name: str, path: tuple[str, ...]) -> Iterator[TimeEdge]:  # noqa: ARG002 - the shape of every one
        """Yield whom the clock concerns."""
        yield PersonCalendarEdge(name, self.period) if self.by_person_zone else CalendarEdge(name, self.period)


def _parse(_name: str, reader: Reader) -> Test:
    word = reader.need("period").one_of(*PERIODS)
    period = next(known for known in PERIODS if known == word)
    offset = reader.get("offset")
    far = offset.whole(at_least=-1000, at_most=1000) if offset else 0
    return InPeriod(period, far, read_zone(reader))


operator = OperatorKind(
    ("in_period",),
    ("period", "offset", "zone"),
    _parse,
    (Shape({"period": PERIOD}, {"offset": whole(-1000, 1000), "zone": ZONE}, ("in_period",)),),
    (
        Example("today", {"op": "in_period", "period": "day"}),
        Example("last month", {"op": "in_period", "period": "month", "offset": -1}),
        Example("today, where the person lives", {"op": "in_period", "period": "day", "zone": "person"}),
    ),
    fits=("text", "time", "date"),
    only_traits=True,
)
