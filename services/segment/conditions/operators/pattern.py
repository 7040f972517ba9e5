"""matches: RE2, searched anywhere in the text."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry, OperatorKind, Test
from services.segment.domain.reader import Reader
from services.segment.domain.shape import FLAG, TEXT, Example, Shape
from services.segment.domain.values import Facet

LONGEST_PATTERN = 1_000


@dataclass(frozen=True)
class Matches(Test):
    """The value is a text in which the pattern is found."""

    pattern: str
    ignore_case: bool = False

    @property
    def in_force(self) -> str:
        """Return the pattern as it is run."""
        # the engine lets the dot match a line's end unless told otherwise; RE2 by itself does not
        return f"(?{'i' if self.ignore_case else ''}-s){self.pattern}"

    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL of it, before negation."""
        return f"({value.has(Facet.TEXT)} and match({value.text}, {inquiry.bind.text(self.in_force)}))"

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Yield the patterns to be proved."""
        yield "value", self.in_force


def _parse(_name: str, reader: Reader) -> Test:
    given = reader.need("value")
    pattern = given.text()
    if len(pattern) > LONGEST_PATTERN or "\x00" in pattern:
        raise given.refuse(f"a pattern of at most {LONGEST_PATTERN} characters is expected")
    flag = reader.get("ignore_case")
    return Matches(pattern, flag.flag() if flag else False)


operator = OperatorKind(
    ("matches",),
    ("value", "ignore_case"),
    _parse,
    (
        Shape(
            {"value": {**TEXT, "maxLength": LONGEST_PATTERN, "pattern": "^[^\\x00]*$"}},
            {"ignore_case": FLAG},
            ("matches",),
        ),
    ),
    (Example("RE2, found anywhere", {"op": "matches", "value": "^[A-Z]{2}[0-9]+$"}),),
    fits=("text", "time", "date"),
)
