"""Ways by a value."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from services.journey.domain.filters import Filter, value_at
from services.journey.domain.node import Ask, Facts, Go, Node, Outcome, Question
from services.journey.domain.run import Run


class Case(Filter):
    """One value, or range of values, and where it leads."""

    path: str = "value"
    to: str | None


class SplitValueNode(Node):
    """N ways by the value of a property of the entry event or of a trait; the first case that fits wins."""

    kind: ClassVar[str] = "split_value"
    falls_through: ClassVar[bool] = False

    by: Literal["property", "trait"] = "property"
    name: str = Field(min_length=1, max_length=200)
    cases: tuple[Case, ...] = Field(min_length=1, max_length=100)
    otherwise: str | None

    def branches(self) -> Mapping[str, str | None]:
        """Return a way per case, and the one for the rest."""
        return {**{f"cases/{n}/to": case.to for n, case in enumerate(self.cases)}, "otherwise": self.otherwise}

    @property
    def reads_entry(self) -> bool:
        """Return whether the value is the entry event's."""
        return self.by == "property" or any(case.same for case in self.cases)

    def decide(self, run: Run, facts: Facts, /) -> Outcome:
        """Take the way of the first case that fits."""
        question = Question("trait", self.name)
        if self.by == "trait" and question not in facts.answers:
            return Ask((question,))
        found = facts.answers[question] if self.by == "trait" else value_at(run.entry, self.name)
        for number, case in enumerate(self.cases):
            if case.holds({"value": found}, run.entry):
                return Go(f"cases/{number}/to")
        return Go("otherwise")


node = SplitValueNode
