"""Which events a condition is about: a name (or how names begin), filters on properties, a window."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.segment.domain.columns import ValueColumns, map_columns
from services.segment.domain.condition import Concerns, Grammar, Inquiry, Question, Test
from services.segment.domain.edges import TimeEdge
from services.segment.domain.formula import Formula, Not
from services.segment.domain.reader import Reader, Refused
from services.segment.domain.values import DEEPEST_PATH, name_key
from services.segment.domain.window import EVER, Window

ORDER = "(event_time, received_at, UUIDToNum(event_id))"
"""Events stand in the order of their times; those of one instant in the order they came in."""

MOST_FILTERS = 50


@dataclass(frozen=True)
class PropertyTest:
    """An event property, by path, and what is asked of it."""

    path: tuple[str, ...]
    test: Test

    def sql(self, inquiry: Inquiry) -> str:
        """Return the SQL predicate."""
        return self.test.sql(property_columns(self.path, inquiry), inquiry)


@dataclass(frozen=True)
class Occurrence:
    """The events of this name (or whose name begins so) that pass every filter in the window."""

    name: str
    where: tuple[PropertyTest, ...] = ()
    window: Window = EVER
    prefix: bool = False

    def predicate(self, inquiry: Inquiry) -> str:
        """Return the SQL predicate on an event."""
        bind = inquiry.bind
        name = bind.text(self.name)
        parts = [f"startsWith(name, {name})" if self.prefix else f"name = {name}"]
        parts.append(self.window.predicate(inquiry.moment, bind))
        parts += [tested.sql(inquiry) for tested in self.where]
        return " and ".join(parts)

    def question(self, inquiry: Inquiry, holds: str, *, value: str) -> Question:
        """Return the question whose aggregates look at these events only."""
        names, prefix = ((), self.name) if self.prefix else ((self.name,), None)
        return Question("event", holds, names, prefix, self.window.since(inquiry.moment), value)

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        name = frozenset({self.name})
        return Concerns(event_prefixes=name) if self.prefix else Concerns(events=name)

    def edges(self) -> Iterator[TimeEdge]:
        """Yield when the clock brings an event in or takes it out."""
        yield from self.window.edges(self.name, prefix=self.prefix)

    def patterns(self, at: str = "where") -> Iterator[tuple[str, str]]:
        """Yield the patterns of its filters."""
        yield from patterns_of(self.where, at)


def ask_also_of_nobody(inquiry: Inquiry, question: Question, *, when_none: bool) -> Formula:
    """Ask a question whose answer for who has no such event is `when_none`: the store knows of no such person."""
    if not when_none:
        return inquiry.ask(question)
    turned = Question(
        question.source, f"not ({question.holds})", question.names, question.prefix, question.since, question.value
    )
    return Not(inquiry.ask(turned))


def property_columns(path: tuple[str, ...], inquiry: Inquiry) -> ValueColumns:
    """Return the columns of an event property."""
    return map_columns("property", inquiry.bind.text(name_key(path)))


def patterns_of(tests: tuple[PropertyTest, ...], at: str) -> Iterator[tuple[str, str]]:
    """Yield the patterns of filters that stand under the member `at`."""
    for position, tested in enumerate(tests):
        for member, pattern in tested.test.patterns():
            yield f"{at}/{position}/{member}", pattern


def read_path(reader: Reader) -> tuple[str, ...]:
    """Read a literal name, or a list of names that walks into objects."""
    if isinstance(reader.value, list):
        return tuple(step.text() for step in reader.items(at_least=1, at_most=DEEPEST_PATH))
    return (reader.text(),)


def read_filters(reader: Reader | None, grammar: Grammar) -> tuple[PropertyTest, ...]:
    """Read `[{"prop": "p", "op": "equals", "value": 1}]`; absent is no filter."""
    found: list[PropertyTest] = []
    for item in reader.items(at_most=MOST_FILTERS) if reader else ():
        try:
            found.append(_read_filter(item, grammar))
        except Refused:
            continue
    return tuple(found)


def _read_filter(reader: Reader, grammar: Grammar) -> PropertyTest:
    path = read_path(reader.need("prop"))
    test = grammar.test(reader, "prop")
    if test.only_traits:
        raise reader.at("op").refuse("this operator is for traits: an event property is compared with fixed values")
    return PropertyTest(path, test)
