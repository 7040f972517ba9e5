"""within_last, within_next, more_than_ago: a time against the moving now."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.segment.domain.binding import microseconds
from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry, OperatorKind, Test
from services.segment.domain.edges import Edge, TimeEdge
from services.segment.domain.reader import Reader
from services.segment.domain.shape import SPAN, Example, Shape
from services.segment.domain.spans import Span
from services.segment.domain.values import Facet


@dataclass(frozen=True)
class Relative(Test):
    """The value is a time within the last or next span, or longer ago than it."""

    kind: str
    span: Span

    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL of it, before negation."""
        moment, whole = inquiry.moment, inquiry.bind.whole
        at, now = value.instant(inquiry.zone), whole(microseconds(moment.now))
        if self.kind == "within_next":
            until = whole(microseconds(self.span.later(moment.now, moment.zone)))
            return f"({value.has(Facet.TIME)} and {at} >= {now} and {at} < {until})"
        since = whole(microseconds(self.span.earlier(moment.now, moment.zone)))
        side = f"{at} < {since}" if self.kind == "more_than_ago" else f"{at} >= {since} and {at} <= {now}"
        return f"({value.has(Facet.TIME)} and {side})"

    def edges(self, name: str, path: tuple[str, ...]) -> Iterator[TimeEdge]:
        """Yield whom the clock concerns."""
        yield Edge("trait", name, self.span, after=True, forward=self.kind == "within_next", path=path)
        if self.kind != "more_than_ago":
            yield Edge("trait", name, Span(), after=self.kind == "within_next", path=path)


def _parse(name: str, reader: Reader) -> Test:
    return Relative(name, reader.need("span").span())


operator = OperatorKind(
    ("within_last", "within_next", "more_than_ago"),
    ("span",),
    _parse,
    (Shape({"span": SPAN}, ops=("within_last", "within_next", "more_than_ago")),),
    (
        Example("in the last 30 days", {"op": "within_last", "span": "30 days"}),
        Example("in the next 48 hours", {"op": "within_next", "span": "48 hours"}),
        Example("longer ago than a year", {"op": "more_than_ago", "span": "1 year"}),
    ),
    fits=("text", "time", "date"),
    only_traits=True,
)
