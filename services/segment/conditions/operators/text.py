"""contains, not_contains, starts_with, ends_with: literal, whatever the characters."""

from dataclasses import dataclass

from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry, OperatorKind, Test
from services.segment.domain.reader import Reader
from services.segment.domain.shape import FLAG, TEXT, Example, Shape
from services.segment.domain.values import Facet

_SQL = {"contains": "position({}, {}) > 0", "starts_with": "startsWith({}, {})", "ends_with": "endsWith({}, {})"}


@dataclass(frozen=True)
class HasPart(Test):
    """The value is a text with this part; the negation holds on a missing value too, neither on one of another type."""

    where: str
    part: str
    ignore_case: bool = False
    negated: bool = False

    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL of it, before negation."""
        column, part = (value.folded, self.part.casefold()) if self.ignore_case else (value.text, self.part)
        is_text, has_part = value.has(Facet.TEXT), _SQL[self.where].format(column, inquiry.bind.text(part))
        if self.negated:
            return f"({value.present} and (not ({is_text}) or {has_part}))"
        return f"({is_text} and {has_part})"


def _parse(name: str, reader: Reader) -> Test:
    flag = reader.get("ignore_case")
    return HasPart(
        name.removeprefix("not_"), reader.need("value").text(), flag.flag() if flag else False, name == "not_contains"
    )


operator = OperatorKind(
    (*_SQL, "not_contains"),
    ("value", "ignore_case"),
    _parse,
    (Shape({"value": TEXT}, {"ignore_case": FLAG}, (*_SQL, "not_contains")),),
    (
        Example("has the part, taken literally", {"op": "contains", "value": "100%"}),
        Example("a text that does not have it, or is missing", {"op": "not_contains", "value": "test"}),
        Example("begins so", {"op": "starts_with", "value": "DE"}),
        Example("ends so", {"op": "ends_with", "value": "@example.com", "ignore_case": True}),
    ),
    fits=("text", "time", "date"),
)
