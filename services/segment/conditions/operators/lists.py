"""has_any, has_all, has_none: a plain value counts as a list of one."""

from dataclasses import dataclass

from services.segment.conditions.comparing import equals_any, item_tokens
from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry, OperatorKind, Test
from services.segment.domain.reader import Reader
from services.segment.domain.shape import FLAG, SCALAR, Example, Shape, either, listed
from services.segment.domain.values import Facet, Scalar


@dataclass(frozen=True)
class HasItems(Test):
    """The list holds any (or all) of the operands; on a missing value only the negation holds, on an object neither."""

    operands: tuple[Scalar, ...]
    every: bool = False
    ignore_case: bool = False
    negated: bool = False

    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL of it, before negation."""
        groups = [(operand,) for operand in self.operands] if self.every else [self.operands]
        has = f"({' and '.join(self._any(value, group, inquiry) for group in groups)})"
        return f"({value.is_any(Facet.OBJECT)} or {has})" if self.negated else has

    def _any(self, value: ValueColumns, operands: tuple[Scalar, ...], inquiry: Inquiry) -> str:
        tokens = [token for operand in operands for token in item_tokens(operand, ignore_case=self.ignore_case)]
        listed = f"{value.has(Facet.LIST)} and hasAny({value.items}, {inquiry.bind.texts(tokens)})"
        return f"(({listed}) or {equals_any(value, operands, inquiry.bind, ignore_case=self.ignore_case)})"


def _parse(name: str, reader: Reader) -> Test:
    given = reader.need("value")
    listed = isinstance(given.value, list)
    operands = tuple(item.scalar() for item in given.items(at_least=1)) if listed else (given.scalar(),)
    flag = reader.get("ignore_case")
    return HasItems(operands, name == "has_all", flag.flag() if flag else False, name == "has_none")


operator = OperatorKind(
    ("has_any", "has_all", "has_none"),
    ("value", "ignore_case"),
    _parse,
    (Shape({"value": either(SCALAR, listed(SCALAR))}, {"ignore_case": FLAG}, ("has_any", "has_all", "has_none")),),
    (
        Example(
            "the list has one of them; a plain value is a list of one", {"op": "has_any", "value": ["tea", "nuts"]}
        ),
        Example("has all of them", {"op": "has_all", "value": ["tea", "nuts"]}),
        Example("has none of them, or there is no value; an object is no list", {"op": "has_none", "value": "nuts"}),
    ),
    fits=("text", "number", "boolean", "time", "date", "list"),
)
