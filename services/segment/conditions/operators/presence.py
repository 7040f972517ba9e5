"""exists, missing."""

from dataclasses import dataclass

from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry, OperatorKind, Test
from services.segment.domain.reader import Reader
from services.segment.domain.shape import Example, Shape


@dataclass(frozen=True)
class Exists(Test):
    """There is a value; null and empty text are none."""

    negated: bool = False
    tells_value = False

    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:  # noqa: ARG002 - the shape of every one
        """Return the SQL of it, before negation."""
        return f"({value.present})"


def _parse(name: str, _reader: Reader) -> Test:
    return Exists(negated=name == "missing")


operator = OperatorKind(
    ("exists", "missing"),
    (),
    _parse,
    (Shape(ops=("exists", "missing")),),
    (
        Example("there is a value", {"op": "exists"}),
        Example("there is none; null and empty text are none", {"op": "missing"}),
    ),
)
