"""has_been: the value has been this one for at least, or for less than, a span."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.segment.conditions.comparing import compare
from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry, OperatorKind, Test
from services.segment.domain.edges import Edge, TimeEdge
from services.segment.domain.reader import Reader
from services.segment.domain.shape import FLAG, SCALAR, SPAN, Example, Shape
from services.segment.domain.spans import Span
from services.segment.domain.values import Scalar


@dataclass(frozen=True)
class HasBeen(Test):
    """The value equals the operand, and has since at least `span` (or for less than it)."""

    operand: Scalar
    span: Span
    less: bool
    ignore_case: bool = False

    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL of it, before negation."""
        moment = inquiry.moment
        since = inquiry.bind.time(self.span.earlier(moment.now, moment.zone))
        same = compare(value, "=", self.operand, inquiry.bind, ignore_case=self.ignore_case)
        return f"({same} and {value.since} {'>' if self.less else '<='} {since})"

    def edges(self, name: str, path: tuple[str, ...]) -> Iterator[TimeEdge]:  # noqa: ARG002 - the shape of every one
        """Yield whom the clock concerns."""
        yield Edge("trait", name, self.span, after=False, column="since")


def _parse(_name: str, reader: Reader) -> Test:
    at_least, less = reader.get("for_at_least"), reader.get("for_less_than")
    if (at_least is None) == (less is None):
        raise reader.refuse("one of for_at_least and for_less_than is expected")
    flag = reader.get("ignore_case")
    span = (at_least or less or reader).span()
    return HasBeen(reader.need("value").scalar(), span, less is not None, flag.flag() if flag else False)


operator = OperatorKind(
    ("has_been",),
    ("value", "for_at_least", "for_less_than", "ignore_case"),
    _parse,
    (
        Shape({"value": SCALAR, "for_at_least": SPAN}, {"ignore_case": FLAG}, ("has_been",)),
        Shape({"value": SCALAR, "for_less_than": SPAN}, {"ignore_case": FLAG}, ("has_been",)),
    ),
    (
        Example("has been so for at least 30 days", {"op": "has_been", "value": "trial", "for_at_least": "30 days"}),
        Example("for less than that", {"op": "has_been", "value": "trial", "for_less_than": "30 days"}),
    ),
    fits=("text", "number", "boolean", "time", "date"),
    only_traits=True,
)
