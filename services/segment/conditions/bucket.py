"""bucket: a stable random share of all persons, drawn by a salt; it stays when others join."""

from dataclasses import dataclass

from services.segment.domain.condition import Concerns, Condition, ConditionKind, Grammar, Inquiry
from services.segment.domain.draw import DRAWS
from services.segment.domain.formula import Drawn, Formula
from services.segment.domain.reader import Reader
from services.segment.domain.shape import TEXT, Example, Shape, number

PERCENT = DRAWS // 100


@dataclass(frozen=True)
class InBucket(Condition):
    """The person's draw lies in [low, high) of a million."""

    salt: str
    low: int
    high: int

    def formula(self, inquiry: Inquiry) -> Formula:  # noqa: ARG002 - the shape of every one
        """Return whom it holds for; nothing is asked of the store."""
        return Drawn(self.salt, self.low, self.high)

    def concerns(self) -> Concerns:
        """Return what it looks at: nothing that changes."""
        return Concerns()


def _parse(reader: Reader, _grammar: Grammar) -> Condition:
    reader.only("bucket", "from", "to")
    salt, low, high = reader.need("bucket").text(), _share(reader.need("from")), _share(reader.need("to"))
    if low >= high:
        raise reader.at("to").refuse("the bucket ends before it begins")
    return InBucket(salt, low, high)


def _share(reader: Reader) -> int:
    share = reader.number(0, 100) * PERCENT
    if abs(share - round(share)) > 1e-6:
        raise reader.refuse("a percentage of at most four decimals is expected")
    return round(share)


condition = ConditionKind(
    ("bucket",),
    _parse,
    (Shape({"bucket": TEXT, "from": number(0, 100), "to": number(0, 100)}),),
    (
        Example(
            "a tenth of everybody; the other 90 percent are from 10 to 100", {"bucket": "spring", "from": 0, "to": 10}
        ),
    ),
)
