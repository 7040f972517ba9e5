"""person: known for less than, or for at least, a length of time; named, or anonymous."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.segment.domain.condition import (
    Concerns,
    Condition,
    ConditionKind,
    Grammar,
    Inquiry,
    Question,
    negate,
)
from services.segment.domain.edges import Edge, TimeEdge
from services.segment.domain.fact import ANONYMITY, KNOWN_SINCE
from services.segment.domain.formula import Formula
from services.segment.domain.reader import Reader
from services.segment.domain.shape import SPAN, Example, Shape, words
from services.segment.domain.spans import Span
from services.segment.domain.values import FIRST_KNOWN


@dataclass(frozen=True)
class KnownFor(Condition):
    """The person was first known less than `span` ago (or not); the moment of the oldest of those merged counts."""

    span: Span
    older: bool

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        moment, bind = inquiry.moment, inquiry.bind
        name, since = bind.text(FIRST_KNOWN), bind.time(self.span.earlier(moment.now, moment.zone))
        shown = f"anyIf(toString(since), name = {name})"
        younger = Question("trait", f"name = {name} and since > {since}", (FIRST_KNOWN,), value=shown, by_row=True)
        return negate(inquiry.ask(younger), when=self.older)

    def concerns(self) -> Concerns:
        """Return what it looks at: who is new is asked anyway."""
        return Concerns(facts=frozenset({KNOWN_SINCE}))

    def edges(self) -> Iterator[TimeEdge]:
        """Yield whom the clock concerns."""
        yield Edge("trait", FIRST_KNOWN, self.span, after=False, column="since")


@dataclass(frozen=True)
class Named(Condition):
    """Something names the person (or, `negated`, he is anonymous: all he has are browsers, devices and visits)."""

    negated: bool = False

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        here = f"name = {inquiry.bind.text(FIRST_KNOWN)} and text = 'true'"
        shown = f"if(countIf({here}) > 0, 'named', 'anonymous')"
        return negate(inquiry.ask(Question("trait", here, (FIRST_KNOWN,), value=shown, by_row=True)), when=self.negated)

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        return Concerns(facts=frozenset({ANONYMITY}))


def _parse(reader: Reader, _grammar: Grammar) -> Condition:
    reader.only("person", "span")
    word = reader.need("person").one_of("younger_than", "older_than", "named", "anonymous")
    if word in ("named", "anonymous"):
        reader.only("person")
        return Named(word == "anonymous")
    return KnownFor(reader.need("span").length(), word == "older_than")


condition = ConditionKind(
    ("person",),
    _parse,
    (
        Shape({"person": words("younger_than", "older_than"), "span": SPAN}),
        Shape({"person": words("named", "anonymous")}),
    ),
    (
        Example("known for less than a week", {"person": "younger_than", "span": "7 days"}),
        Example("known for at least a month", {"person": "older_than", "span": "1 month"}),
        Example("seen by browsers, devices and visits alone", {"person": "anonymous"}),
        Example("an identifier names him: a login, a number, a member card", {"person": "named"}),
    ),
)
