"""Which events a condition is about: a name (or how names begin), filters on properties, a window."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from services.segment.domain.columns import ValueColumns, path_columns
from services.segment.domain.condition import Concerns, Grammar, Inquiry, Question, Test
from services.segment.domain.edges import TimeEdge
from services.segment.domain.formula import Formula, Not
from services.segment.domain.reader import Reader, Refused
from services.segment.domain.values import DEEPEST_PATH
from services.segment.domain.window import EVER, Window

ORDER = "(event_time, received_at, UUIDToNum(event_id))"
"""Events stand in the order of their times; those of one instant in the order they came in."""

OURS = ("$message_", "$journey_")
"""How the names of what messaging and journey say begin; an event of that name that was collected is none of theirs."""
IS_OURS = "subject_no < 0"
"""What they say is about a person and no identifier of his: it lies under his number, negated, in the projections too,
which an event's origin does not."""
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
        what = self._what(inquiry)
        return " and ".join([*what, self._inside(inquiry)[1], *(tested.sql(inquiry) for tested in self.where)])

    def whenever(self, inquiry: Inquiry) -> str:
        """Return the SQL predicate on an event, wherever its time lies."""
        return " and ".join([*self._what(inquiry), *(tested.sql(inquiry) for tested in self.where)])

    def question(self, inquiry: Inquiry, holds: str, *, value: str) -> Question:
        """Return the question whose aggregates look at these events only."""
        return self._asked(inquiry, holds, self.predicate(inquiry), value=value)

    def any_of(self, inquiry: Inquiry, *, value: str) -> Question:
        """Return the question whether there is such an event at all."""
        rows = self.predicate(inquiry)
        return self._asked(inquiry, rows, rows, value=value, by_row=True)

    def _asked(self, inquiry: Inquiry, holds: str, rows: str, *, value: str, by_row: bool = False) -> Question:
        names, prefix = ((), self.name) if self.prefix else ((self.name,), None)
        return Question("event", holds, names, prefix, self._inside(inquiry)[0], value, rows, by_row)

    def _what(self, inquiry: Inquiry) -> list[str]:
        name = inquiry.bind.text(self.name)
        parts = [f"startsWith(name, {name})" if self.prefix else f"name = {name}"]
        return [*parts, IS_OURS] if self.name.startswith(OURS) else parts

    def _inside(self, inquiry: Inquiry) -> tuple[datetime | None, str]:
        """Return the window's first instant, and its SQL predicate: a few windows serve hundreds of conditions."""
        window, moment = self.window, inquiry.moment
        return inquiry.once(window, lambda: (window.since(moment), window.predicate(moment, inquiry.bind)))

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
    simply = f"not ({question.simply})" if question.simply else ""
    total = replace(question.total, negated=True) if question.total else None
    return Not(inquiry.ask(replace(question, holds=f"not ({question.holds})", simply=simply, total=total)))


def property_columns(path: tuple[str, ...], inquiry: Inquiry) -> ValueColumns:
    """Return the columns of an event property."""
    return inquiry.once(("property", path), lambda: path_columns("property", path, inquiry.bind))


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
    return PropertyTest(read_path(reader.need("prop")), grammar.test(reader, "prop", of_events=True))
