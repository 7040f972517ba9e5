"""A person's trait against a value operator."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.segment.domain.columns import ZONE_TRAIT, in_person_zone, trait_columns
from services.segment.domain.condition import (
    Concerns,
    Condition,
    ConditionKind,
    Grammar,
    Inquiry,
    Question,
    Test,
    Told,
    negate,
)
from services.segment.domain.edges import TimeEdge
from services.segment.domain.formula import Formula
from services.segment.domain.occurrence import read_path
from services.segment.domain.reader import Reader
from services.segment.domain.shape import PATH, Example, Shape


@dataclass(frozen=True)
class TraitHolds(Condition):
    """The trait (or a value nested in it, by path) passes the test."""

    name: str
    path: tuple[str, ...]
    test: Test
    operator: str = ""
    types: tuple[str, ...] = ()

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        bind = inquiry.bind
        value = trait_columns(self.path, bind)
        if self.test.by_person_zone:
            value = in_person_zone(value, self.name, inquiry.zone, bind)
            names = (self.name, ZONE_TRAIT)
            holds = self.test.predicate(value, inquiry)
            shown = f"concat({value.text}, ' ', {value.zone})"
            return negate(inquiry.ask(Question("person", holds, names, value=shown)), when=self.test.negated)
        row = f"name = {bind.text(self.name)} and {self.test.predicate(value, inquiry)}"
        # not of the row by which the other table says that it has no value
        shown = f"anyIf({value.text}, name = {bind.text(self.name)} and facets != 0)"
        atom = inquiry.ask(Question("trait", row, (self.name,), value=shown, by_row=True))
        return negate(atom, when=self.test.negated)

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        zone = {ZONE_TRAIT} if self.test.by_person_zone else set()
        return Concerns(traits=frozenset({self.name} | zone))

    def edges(self) -> Iterator[TimeEdge]:
        """Yield whom the clock concerns."""
        yield from self.test.edges(self.name, self.path)

    def fits(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Yield what the trait's declared type has to be; of what is nested in it nothing is declared."""
        if self.types and not self.path:
            yield self.name, self.operator, self.types

    def tells(self) -> Iterator[tuple[str, Told]]:
        """Yield the traits whose values its answer tells something of."""
        if self.test.tells_value:
            yield "", Told((self.name, *self.path))
        if self.test.by_person_zone:
            yield "", Told((ZONE_TRAIT,))

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Yield the patterns to be proved."""
        yield from self.test.patterns()


def _parse(reader: Reader, grammar: Grammar) -> Condition:
    path = read_path(reader.need("trait"))
    test = grammar.test(reader, "trait")
    operator = reader.need("op").text()
    return TraitHolds(path[0], path[1:], test, operator, grammar.operators[operator].fits)


condition = ConditionKind(
    ("trait",),
    _parse,
    (Shape({"trait": PATH}, test=True),),
    (
        Example("at least twenty years old", {"trait": "age", "op": "gte", "value": 20}),
        Example(
            "a value nested in an object",
            {"trait": ["address", "city"], "op": "equals", "value": "Köln", "ignore_case": True},
        ),
    ),
)
