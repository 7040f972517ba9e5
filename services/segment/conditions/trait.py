"""A person's trait against a value operator."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.segment.domain.columns import TRAIT_COLUMNS, map_columns
from services.segment.domain.condition import (
    Concerns,
    Condition,
    ConditionKind,
    Grammar,
    Inquiry,
    Question,
    Test,
    negate,
)
from services.segment.domain.edges import TimeEdge
from services.segment.domain.formula import Formula
from services.segment.domain.occurrence import read_path
from services.segment.domain.reader import Reader
from services.segment.domain.values import name_key


@dataclass(frozen=True)
class TraitHolds(Condition):
    """The trait (or a value nested in it, by path) passes the test."""

    name: str
    path: tuple[str, ...]
    test: Test

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        bind = inquiry.bind
        value = map_columns("leaf", bind.text(name_key(self.path)), "since") if self.path else TRAIT_COLUMNS
        row = f"name = {bind.text(self.name)} and {self.test.predicate(value, inquiry)}"
        shown = f"anyIf({value.text}, name = {bind.text(self.name)})"
        atom = inquiry.ask(Question("trait", row, (self.name,), value=shown))
        return negate(atom, when=self.test.negated)

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        return Concerns(traits=frozenset({self.name}))

    def edges(self) -> Iterator[TimeEdge]:
        """Yield whom the clock concerns."""
        yield from self.test.edges(self.name, self.path)

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Yield the patterns to be proved."""
        yield from self.test.patterns()


def _parse(reader: Reader, grammar: Grammar) -> Condition:
    path = read_path(reader.need("trait"))
    return TraitHolds(path[0], path[1:], grammar.test(reader, "trait"))


condition = ConditionKind(("trait",), _parse)
