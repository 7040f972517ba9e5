"""What a plug-in of the language is: a value operator (`Test`) or a `Condition`, and how it asks the store."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar
from uuid import UUID

from services.segment.domain.binding import Binder
from services.segment.domain.columns import ValueColumns
from services.segment.domain.edges import TimeEdge
from services.segment.domain.formula import Atom, Formula, Not
from services.segment.domain.moment import Moment
from services.segment.domain.reader import Reader
from services.segment.domain.shape import Example, Shape
from services.segment.domain.total import Total

R = TypeVar("R")
Source = Literal["event", "trait", "person", "account"]
"""Events; rows of traits one by one; all the traits of a person together; accounts with their traits."""


@dataclass(frozen=True)
class Concerns:
    """What a condition looks at: a touch of any of these asks the person again."""

    events: frozenset[str] = frozenset()
    event_prefixes: frozenset[str] = frozenset()
    traits: frozenset[str] = frozenset()
    segments: frozenset[UUID] = frozenset()
    facts: frozenset[str] = frozenset()
    """Of the other kinds, as `fact.concern` names them."""
    account_traits: frozenset[str] = frozenset()

    def __or__(self, other: "Concerns") -> "Concerns":
        return Concerns(
            self.events | other.events,
            self.event_prefixes | other.event_prefixes,
            self.traits | other.traits,
            self.segments | other.segments,
            self.facts | other.facts,
            self.account_traits | other.account_traits,
        )


@dataclass(frozen=True)
class Told:
    """A trait (or what is nested in it, by path), of the person or of his accounts, that an answer tells of."""

    path: tuple[str, ...]
    of_account: bool = False


@dataclass(frozen=True)
class Question:
    """What is asked of one person's rows of a source: `holds` is SQL and false where there are no rows.

    When `by_row` it is a predicate on a row, and one row that meets it is enough; else an aggregate over the rows.
    `names`, `prefix`, `since` and the predicate `rows` bound the rows it can look at; no other changes the answer.
    `value` is what explain shows. `tests` are what is asked of each account: (column, aggregate over its traits).
    Where no event of the names meets a predicate of `unless`, which an index tells, `simply` is the same for less, and
    so is the `total` of the events that meet `rows`.
    """

    source: Source
    holds: str
    names: tuple[str, ...] = ()
    prefix: str | None = None
    since: datetime | None = None
    value: str = "''"
    rows: str = ""
    by_row: bool = False
    tests: tuple[tuple[str, str], ...] = ()
    simply: str = ""
    unless: tuple[str, ...] = ()
    total: Total | None = None


@dataclass
class Inquiry:
    """All questions of a statement; equal ones are asked once."""

    moment: Moment
    bind: Binder = field(default_factory=Binder)
    numbers: dict[Question, int] = field(default_factory=dict)
    _spelled: dict[Hashable, Any] = field(default_factory=dict)

    def ask(self, question: Question) -> Atom:
        """Add a question; return the set of persons it holds for."""
        return Atom(self.numbers.setdefault(question, len(self.numbers)))

    def once(self, what: Hashable, spell: Callable[[], R]) -> R:
        """Return what `spell` makes of something that many conditions of an inquiry share: it is made once."""
        if what not in self._spelled:
            self._spelled[what] = spell()
        made: R = self._spelled[what]
        return made

    @property
    def questions(self) -> list[Question]:
        """Return the questions by their numbers."""
        return list(self.numbers)

    @property
    def zone(self) -> str:
        """Return the workspace's zone, bound."""
        return self.bind.text(self.moment.zone)


class Test(ABC):
    """A value operator: what it asks of one value. False on a missing value unless `negated`."""

    negated: bool = False
    by_person_zone: bool = False
    """Reads the calendar and the clock in the person's own time zone."""
    tells_value: bool = True
    """Its answer tells something of the value, not only whether there is one."""

    @abstractmethod
    def predicate(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL predicate (never NULL), before negation."""

    def edges(self, name: str, path: tuple[str, ...]) -> Iterator[TimeEdge]:  # noqa: ARG002 - the shape of every one
        """Yield what the clock changes when this test is put to a trait."""
        yield from ()

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Yield (member, RE2 pattern) to be proved by the store before publishing."""
        yield from ()

    def sql(self, value: ValueColumns, inquiry: Inquiry) -> str:
        """Return the SQL predicate with its negation."""
        predicate = self.predicate(value, inquiry)
        return f"(not ({predicate}))" if self.negated else f"({predicate})"


class Condition(ABC):
    """A leaf of the tree."""

    @abstractmethod
    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return which persons it holds for."""

    @abstractmethod
    def concerns(self) -> Concerns:
        """Return what it looks at."""

    def edges(self) -> Iterator[TimeEdge]:
        """Yield who must be asked again as the clock goes on."""
        yield from ()

    def fits(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Yield (trait, operator, types it can hold for) where it holds for values of some types alone."""
        yield from ()

    def tells(self) -> Iterator[tuple[str, Told]]:
        """Yield the traits whose values its answer tells something of, each with where in it that stands."""
        yield from ()

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Yield (member, RE2 pattern) to be proved by the store before publishing."""
        yield from ()

    def amounts(self, inquiry: Inquiry) -> Question | None:  # noqa: ARG002 - the shape of every one
        """Return the events (`rows`) whose amounts have to be of one currency, its code (`value`), and which name any.

        None where there is nothing like that.
        """
        return None


@dataclass(frozen=True)
class OperatorKind:
    """A plug-in of conditions/operators: the names it answers to, its members, and how it is read."""

    names: tuple[str, ...]
    members: tuple[str, ...]
    parse: Callable[[str, Reader], Test]
    shapes: tuple[Shape, ...] = ()
    examples: tuple[Example, ...] = ()
    fits: tuple[str, ...] = ()
    """The types of values it can hold for; none is every type."""
    only_traits: bool = False
    """Answers by the moving clock or by since when a value holds, which event properties do not have."""
    of_traits: tuple[str, ...] = ()
    """The members that mean something for the traits of a person alone."""


@dataclass(frozen=True)
class ConditionKind:
    """A plug-in of conditions/: the members that mark it, and how it is read."""

    keys: tuple[str, ...]
    parse: Callable[[Reader, "Grammar"], Condition]
    shapes: tuple[Shape, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Grammar:
    """The plug-ins in force."""

    conditions: dict[str, ConditionKind]
    operators: dict[str, OperatorKind]

    def test(self, reader: Reader, *beside: str, of_events: bool = False) -> Test:
        """Read a value operator from an object that has the members `beside` as well."""
        name = reader.need("op").text()
        kind = self.operators.get(name)
        if kind is None:
            raise reader.at("op").refuse(f"the operator is not known; known: {', '.join(sorted(self.operators))}")
        if of_events and kind.only_traits:
            raise reader.at("op").refuse(
                "this operator is for traits: an event property is compared with fixed values; keep a time that has to"
                " be held against the moving clock (a trip's date) in a trait"
            )
        reader.only("op", *beside, *kind.members)
        for member in kind.of_traits if of_events else ():
            if found := reader.get(member):
                raise found.refuse(f"`{member}` is for traits of persons: leave it out")
        return kind.parse(name, reader)


def negate(formula: Formula, *, when: bool) -> Formula:
    """Return the formula, or its negation."""
    return Not(formula) if when else formula
