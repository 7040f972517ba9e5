"""anniversary: the day of the year is today, or so many days from today."""

from calendar import isleap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry, OperatorKind, Test
from services.segment.domain.edges import CalendarEdge, TimeEdge
from services.segment.domain.reader import Reader
from services.segment.domain.values import Facet


@dataclass(frozen=True)
class Anniversary(Test):
    """The value's day of the year is `in_days` from today; 29 February falls on the 28th in other years."""

    in_days: int

    only_traits = True

    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL of it, before negation."""
        day = inquiry.moment.today + timedelta(days=self.in_days)
        days = [day.month * 100 + day.day]
        if (day.month, day.day) == (2, 28) and not isleap(day.year):
            days.append(229)
        zone = inquiry.zone
        month, of_month = value.local(zone, "toMonth"), value.local(zone, "toDayOfMonth")
        return f"({value.has(Facet.TIME)} and has({inquiry.bind.wholes(days)}, toInt32({month} * 100 + {of_month})))"

    def edges(self, name: str, path: tuple[str, ...]) -> Iterator[TimeEdge]:  # noqa: ARG002 - the shape of every one
        """Yield whom the clock concerns."""
        yield CalendarEdge(name, "day")


def _parse(_name: str, reader: Reader) -> Test:
    given = reader.get("in_days")
    return Anniversary(given.whole(at_least=-366, at_most=366) if given else 0)


operator = OperatorKind(("anniversary",), ("in_days",), _parse)
