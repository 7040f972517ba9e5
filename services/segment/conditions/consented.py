"""consented: the person allows contact for a purpose on a channel (and topic), as profile answers it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from services.segment.domain.columns import ValueColumns, map_columns
from services.segment.domain.condition import Concerns, Condition, ConditionKind, Grammar, Inquiry, Question
from services.segment.domain.edges import Edge, TimeEdge
from services.segment.domain.fact import concern, consent_key, row_name
from services.segment.domain.formula import EVERYBODY, NOBODY, All, AnyOf, Formula, Not
from services.segment.domain.reader import Reader
from services.segment.domain.shape import TEXT, Example, Schema, Shape
from services.segment.domain.silence import ANY
from services.segment.domain.spans import Span

LONGEST_NAME = 100


@dataclass(frozen=True)
class Consented(Condition):
    """Of the scopes said of the person that cover this one, the narrowest is granted; where none is, silence allows.

    Profile says them so that one lies in all the others (`profile.consent.changed`).
    """

    purpose: str
    channel: str
    topic: str = ""

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        found: Formula = EVERYBODY if inquiry.moment.silence.allows(self.purpose, self.channel) else NOBODY
        for key in reversed(self._keys()):
            name = row_name("consent", key)
            granted, spoken = _questions(name, inquiry)
            found = AnyOf((inquiry.ask(granted), All((Not(inquiry.ask(spoken)), found))))
        return found

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        return Concerns(facts=frozenset(concern("consent", key) for key in self._keys()))

    def edges(self) -> Iterator[TimeEdge]:
        """Yield whom the clock concerns: those whose grant runs out."""
        for key in self._keys():
            yield Edge("trait", row_name("consent", key), Span(), after=False, path=("until",))

    def _keys(self) -> list[str]:
        """Return the scopes that cover this one: each after all that lie in it."""
        wider = product(
            dict.fromkeys((self.topic, "")), dict.fromkeys((self.channel, ANY)), dict.fromkeys((self.purpose, ANY))
        )
        scopes = [(purpose, channel, topic) for topic, channel, purpose in wider]
        return [consent_key(*scope) for scope in scopes]


def _questions(name: str, inquiry: Inquiry) -> tuple[Question, Question]:
    """Return "a yes" and "a word, yes or no" of one scope, at the moment asked for."""
    state, until, after = (_leaf(part, inquiry) for part in ("state", "until", "after"))
    over = f"({until.present} and {until.time} <= {inquiry.bind.time(inquiry.moment.now)})"
    here = f"name = {inquiry.bind.text(name)} and {state.present}"
    yes, silent = inquiry.bind.text("granted"), inquiry.bind.text("unknown")
    shown = f"anyIf(concat({state.text}, if({until.present}, concat(' until ', toString({until.time})), '')), {here})"
    granted = Question("trait", f"{here} and {state.text} = {yes} and not {over}", (name,), value=shown, by_row=True)
    spoken = Question(
        "trait", f"{here} and not ({over} and {after.text} = {silent})", (name,), value=shown, by_row=True
    )
    return granted, spoken


def _leaf(part: str, inquiry: Inquiry) -> ValueColumns:
    return map_columns("leaf", inquiry.bind.text(part))


def _parse(reader: Reader, _grammar: Grammar) -> Condition:
    reader.only("consented")
    asked = reader.need("consented")
    asked.only("purpose", "channel", "topic")
    purpose, channel = _name(asked.need("purpose")), _name(asked.need("channel"))
    topic = asked.get("topic")
    return Consented(purpose, channel, _name(topic) if topic else "")


def _name(reader: Reader) -> str:
    name = reader.text()
    if len(name) > LONGEST_NAME:
        raise reader.refuse(f"a name of at most {LONGEST_NAME} characters is expected")
    return name


_NAME: Schema = {**TEXT, "maxLength": LONGEST_NAME}

condition = ConditionKind(
    ("consented",),
    _parse,
    (Shape({"consented": Shape({"purpose": _NAME, "channel": _NAME}, {"topic": _NAME}).schema()}),),
    (
        Example(
            "allows marketing by mail about news, exactly as the gate of messaging would be told",
            {"consented": {"purpose": "marketing", "channel": "email", "topic": "news"}},
        ),
    ),
)
