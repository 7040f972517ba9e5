"""How often a person did something: events by name (or name prefix), filtered, in a window."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.segment.domain.columns import map_columns
from services.segment.domain.condition import Concerns, Condition, ConditionKind, Grammar, Inquiry, Question, Test
from services.segment.domain.counting import AT_LEAST_ONCE, Count, read_count
from services.segment.domain.edges import TimeEdge
from services.segment.domain.formula import EVERYBODY, Formula, Not
from services.segment.domain.reader import Reader, Refused
from services.segment.domain.values import DEEPEST_PATH, name_key
from services.segment.domain.window import EVER, Window, read_window


@dataclass(frozen=True)
class PropertyTest:
    """An event property, by path, and what is asked of it."""

    path: tuple[str, ...]
    test: Test


@dataclass(frozen=True)
class Did(Condition):
    """The events of this name (or whose name begins so) that pass every filter in the window are so many."""

    name: str
    count: Count = AT_LEAST_ONCE
    window: Window = EVER
    where: tuple[PropertyTest, ...] = ()
    prefix: bool = False

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        low, high = self.count.low, self.count.high
        if low == 0 and high is None:
            return EVERYBODY
        if low == 0:
            # who has no event at all is in too, so the question is put the other way round
            return Not(inquiry.ask(self._question(f"> {inquiry.bind.whole(high or 0)}", inquiry)))
        bound = f">= {inquiry.bind.whole(low)}"
        if high is not None:
            bound = f"between {inquiry.bind.whole(low)} and {inquiry.bind.whole(high)}"
        return inquiry.ask(self._question(bound, inquiry))

    def _question(self, bound: str, inquiry: Inquiry) -> Question:
        bind, moment = inquiry.bind, inquiry.moment
        name = bind.text(self.name)
        parts = [f"startsWith(name, {name})" if self.prefix else f"name = {name}", self.window.predicate(moment, bind)]
        parts += [
            tested.test.sql(map_columns("property", bind.text(name_key(tested.path))), inquiry) for tested in self.where
        ]
        counted = f"countIf({' and '.join(parts)})"
        return Question(
            "event",
            f"{counted} {bound}",
            () if self.prefix else (self.name,),
            self.name if self.prefix else None,
            self.window.since(moment),
            f"toString({counted})",
        )

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        name = frozenset({self.name})
        return Concerns(event_prefixes=name) if self.prefix else Concerns(events=name)

    def edges(self) -> Iterator[TimeEdge]:
        """Yield whom the clock concerns."""
        yield from self.window.edges(self.name, prefix=self.prefix)

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Yield the patterns to be proved."""
        for position, tested in enumerate(self.where):
            for member, pattern in tested.test.patterns():
                yield f"where/{position}/{member}", pattern


def _parse_where(reader: Reader, grammar: Grammar) -> PropertyTest:
    named = reader.need("prop")
    path = (
        tuple(step.text() for step in named.items(at_least=1, at_most=DEEPEST_PATH))
        if isinstance(named.value, list)
        else (named.text(),)
    )
    test = grammar.test(reader, "prop")
    if test.only_traits:
        raise reader.at("op").refuse("this operator is for traits: an event property is compared with fixed values")
    return PropertyTest(path, test)


def _parse(reader: Reader, grammar: Grammar) -> Condition:
    prefix = "did_prefix" in reader.members()
    key = "did_prefix" if prefix else "did"
    reader.only(key, "count", "window", "where")
    name = reader.need(key).text()
    filters = reader.get("where")
    where: list[PropertyTest] = []
    for item in filters.items(at_most=50) if filters else ():
        try:
            where.append(_parse_where(item, grammar))
        except Refused:
            continue
    return Did(name, read_count(reader.get("count")), read_window(reader.get("window")), tuple(where), prefix)


condition = ConditionKind(("did", "did_prefix"), _parse)
