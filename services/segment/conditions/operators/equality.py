"""equals, not_equals, in, not_in."""

from dataclasses import dataclass

from services.segment.conditions.comparing import equals_any
from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry, OperatorKind, Test
from services.segment.domain.reader import Reader
from services.segment.domain.shape import FLAG, SCALAR, Example, Shape, listed
from services.segment.domain.values import Facet, Scalar


@dataclass(frozen=True)
class IsOneOf(Test):
    """The value equals one of the operands; on a missing value only the negation holds, on a list or object neither."""

    operands: tuple[Scalar, ...]
    ignore_case: bool = False
    negated: bool = False

    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL of it, before negation."""
        equals = equals_any(value, self.operands, inquiry.bind, ignore_case=self.ignore_case)
        return f"({value.is_any(Facet.LIST | Facet.OBJECT)} or {equals})" if self.negated else equals


def _parse(name: str, reader: Reader) -> Test:
    given = reader.need("value")
    listed = name in ("in", "not_in")
    operands = tuple(item.scalar() for item in given.items(at_least=1)) if listed else (given.scalar(),)
    ignore_case = reader.get("ignore_case")
    return IsOneOf(operands, ignore_case.flag() if ignore_case else False, name.startswith("not_"))


operator = OperatorKind(
    ("equals", "not_equals", "in", "not_in"),
    ("value", "ignore_case"),
    _parse,
    (
        Shape({"value": SCALAR}, {"ignore_case": FLAG}, ("equals", "not_equals")),
        Shape({"value": listed(SCALAR)}, {"ignore_case": FLAG}, ("in", "not_in")),
    ),
    (
        Example("equals, letters of either case", {"op": "equals", "value": "gold", "ignore_case": True}),
        Example("another, or none; a list or an object is neither", {"op": "not_equals", "value": "gold"}),
        Example("one of several", {"op": "in", "value": ["gold", "silver", 3]}),
        Example("none of several", {"op": "not_in", "value": ["gold"]}),
    ),
    fits=("text", "number", "boolean", "time", "date"),
)
