"""gt, gte, lt, lte, between: numbers by size, texts by code point, between also by time, in his own zone if told."""

from dataclasses import dataclass

from services.segment.conditions.comparing import compare
from services.segment.conditions.operators.instant import TimeRange
from services.segment.conditions.zones import read_zone
from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry, OperatorKind, Test
from services.segment.domain.reader import Reader
from services.segment.domain.shape import ABSENT, FLAG, ORDERABLE, TIME, ZONE, Example, Shape, listed
from services.segment.domain.values import Scalar

_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(frozen=True)
class Ordered(Test):
    """The value stands in every given relation (sign, operand)."""

    relations: tuple[tuple[str, Scalar], ...]
    ignore_case: bool = False

    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL of it, before negation."""
        parts = (compare(value, sign, to, inquiry.bind, ignore_case=self.ignore_case) for sign, to in self.relations)
        return f"({' and '.join(parts)})"


def _orderable(reader: Reader) -> Scalar:
    operand = reader.scalar()
    if isinstance(operand, bool):
        raise reader.refuse("a boolean has no order: give a number or a text")
    return operand


def _parse(name: str, reader: Reader) -> Test:
    flag = reader.get("ignore_case")
    ignore_case = flag.flag() if flag else False
    given = reader.need("value")
    if name != "between":
        _refuse_zone(reader)
        return Ordered(((_SIGNS[name], _orderable(given)),), ignore_case)
    low, high = given.items(at_least=2, at_most=2)
    bounds = _orderable(low), _orderable(high)
    times = TimeRange.between(*bounds, by_person_zone=read_zone(reader))
    if times:
        return times
    _refuse_zone(reader)
    return Ordered(((">=", bounds[0]), ("<=", bounds[1])), ignore_case)


def _refuse_zone(reader: Reader) -> None:
    zone = reader.get("zone")
    if zone:
        raise zone.refuse("a zone means something between two times alone: leave it out, or give times in ISO 8601")


operator = OperatorKind(
    (*_SIGNS, "between"),
    ("value", "ignore_case", "zone"),
    _parse,
    (
        Shape({"value": ORDERABLE}, {"ignore_case": FLAG}, (*_SIGNS,)),
        Shape({"value": listed(ORDERABLE, 2, 2)}, {"ignore_case": FLAG, "zone": ABSENT}, ("between",)),
        Shape({"value": listed(TIME, 2, 2), "zone": ZONE}, {"ignore_case": FLAG}, ("between",)),
    ),
    (
        Example("above", {"op": "gt", "value": 20}),
        Example("at least", {"op": "gte", "value": 20}),
        Example("below; texts by code point", {"op": "lt", "value": "m"}),
        Example("at most", {"op": "lte", "value": 20.5}),
        Example("from one to the other, both included", {"op": "between", "value": [20, 30]}),
        Example(
            "times: a bare date as the far end is the whole day",
            {"op": "between", "value": ["2024-01-01", "2024-03-31"]},
        ),
        Example(
            "times by the clock where the person lives (a trait)",
            {"op": "between", "value": ["2024-01-01T09:00", "2024-01-01T17:00"], "zone": "person"},
        ),
    ),
    fits=("text", "number", "time", "date"),
    of_traits=("zone",),
)
