"""What some questions come down to: events are added up by person, and the total is compared."""

from dataclasses import dataclass
from decimal import Decimal

Relation = tuple[str, Decimal]
"""A sign (`=`, `!=`, `<`, `<=`, `>`, `>=`) and the number on its right side."""


@dataclass(frozen=True)
class Total:
    """The number of events, or the sum `of` an exact value of theirs (an expression), stands in every relation.

    `negated`: it does not. Either way it holds for no total of 0, so that whoever has no such event is not asked about.
    """

    relations: tuple[Relation, ...]
    of: str = ""
    negated: bool = False
