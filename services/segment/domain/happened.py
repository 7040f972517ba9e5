"""So many events: what several conditions come down to."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.segment.domain.condition import Concerns, Condition, Grammar, Inquiry, negate
from services.segment.domain.counting import AT_LEAST_ONCE, NEVER, Count
from services.segment.domain.edges import TimeEdge
from services.segment.domain.formula import EVERYBODY, Formula
from services.segment.domain.occurrence import ORDER, Occurrence, PropertyTest, ask_also_of_nobody
from services.segment.domain.reader import Reader


@dataclass(frozen=True)
class Happened(Condition):
    """So many of the events came about; with `since`, so many after the last of those."""

    what: Occurrence
    count: Count = AT_LEAST_ONCE
    since: Occurrence | None = None

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        if self.count == Count(0):
            return EVERYBODY
        counted = self._counted(inquiry)
        if self.since is None and self.count in (AT_LEAST_ONCE, NEVER):
            asked = inquiry.ask(self.what.any_of(inquiry, value=f"toString({counted})"))
            return negate(asked, when=self.count == NEVER)
        question = self.what.question(inquiry, self.count.sql(counted, inquiry.bind), value=f"toString({counted})")
        if self.since:
            names = (*question.names, self.since.name)
            question = replace(question, names=names, since=None, rows="")
        else:
            question = replace(question, total=self.count.total)
        return ask_also_of_nobody(inquiry, question, when_none=self.count.low == 0)

    def _counted(self, inquiry: Inquiry) -> str:
        these = self.what.predicate(inquiry)
        if self.since is None:
            return f"countIf({these})"
        those = self.since.predicate(inquiry)
        after = f"arrayCount(at -> at > maxIf({ORDER}, {those}), groupArrayIf({ORDER}, {these}))"
        return f"if(countIf({those}) = 0, 0, {after})"

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        return self.what.concerns() | (self.since.concerns() if self.since else Concerns())

    def edges(self) -> Iterator[TimeEdge]:
        """Yield whom the clock concerns."""
        yield from self.what.edges()
        if self.since:
            yield from self.since.edges()

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Yield the patterns to be proved."""
        yield from self.what.patterns()
        if self.since:
            yield from self.since.patterns("window/since/where")


def read_named_properties(reader: Reader, grammar: Grammar, names: dict[str, str]) -> tuple[PropertyTest, ...]:
    """Read members that each ask one property (`names`: member -> property) to be a text, or one of several."""
    found = []
    for member, prop in names.items():
        given = reader.get(member)
        if given is not None:
            values = [item.text() for item in given.items(at_least=1)] if _listed(given) else [given.text()]
            operands = Reader({"value": values}, given.pointer, given.faults)
            found.append(PropertyTest((prop,), grammar.operators["in"].parse("in", operands)))
    return tuple(found)


def _listed(reader: Reader) -> bool:
    return isinstance(reader.value, list)
