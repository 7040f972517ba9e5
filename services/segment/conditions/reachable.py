"""reachable: the person has an address for a channel that a message could go to."""

from dataclasses import dataclass

from services.segment.domain.columns import TRAIT_COLUMNS
from services.segment.domain.condition import Concerns, Condition, ConditionKind, Grammar, Inquiry, Question
from services.segment.domain.fact import concern, row_name
from services.segment.domain.formula import EVERYBODY, Formula
from services.segment.domain.reader import Reader
from services.segment.domain.shape import TEXT, Example, Shape

WITHOUT_ADDRESS = frozenset({"inbox"})
"""Channels that need none: everybody is reachable on them."""


@dataclass(frozen=True)
class Reachable(Condition):
    """Profile knows an address for the channel, and the one that would be taken has not bounced."""

    channel: str

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        if self.channel in WITHOUT_ADDRESS:
            return EVERYBODY
        name = row_name("reachable", self.channel)
        here = f"name = {inquiry.bind.text(name)} and {TRAIT_COLUMNS.present}"
        shown = f"if(countIf({here}) > 0, 'has an address', '')"
        return inquiry.ask(Question("trait", here, (name,), value=shown, by_row=True))

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        return Concerns(facts=frozenset({concern("reachable", self.channel)}))


def _parse(reader: Reader, _grammar: Grammar) -> Condition:
    reader.only("reachable")
    return Reachable(reader.need("reachable").text())


condition = ConditionKind(
    ("reachable",),
    _parse,
    (Shape({"reachable": TEXT}),),
    (Example("has an address for the channel that did not bounce", {"reachable": "sms"}),),
)
