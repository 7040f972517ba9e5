"""in_period: today, this week, last month ... by the workspace's calendar."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.segment.domain.binding import microseconds
from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry, OperatorKind, Test
from services.segment.domain.edges import CalendarEdge, TimeEdge
from services.segment.domain.moment import PERIODS, Period
from services.segment.domain.reader import Reader
from services.segment.domain.values import Facet


@dataclass(frozen=True)
class InPeriod(Test):
    """The value is a time in the calendar period `offset` periods from now (0 = this one, -1 = the last)."""

    period: Period
    offset: int

    only_traits = True

    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL of it, before negation."""
        first, last = (
            inquiry.bind.whole(microseconds(bound)) for bound in inquiry.moment.period(self.period, self.offset)
        )
        at = value.instant(inquiry.zone)
        return f"({value.has(Facet.TIME)} and {at} >= {first} and {at} < {last})"

    def edges(self, name: str, path: tuple[str, ...]) -> Iterator[TimeEdge]:  # noqa: ARG002 - the shape of every one
        """Yield whom the clock concerns."""
        yield CalendarEdge(name, self.period)


def _parse(_name: str, reader: Reader) -> Test:
    word = reader.need("period").one_of(*PERIODS)
    period = next(known for known in PERIODS if known == word)
    offset = reader.get("offset")
    return InPeriod(period, offset.whole(at_least=-1000, at_most=1000) if offset else 0)


operator = OperatorKind(("in_period",), ("period", "offset"), _parse)
