"""Two ways by a condition asked live."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec
from pydantic import Field, model_validator

from services.journey.domain.node import Ask, Facts, Go, Node, Outcome, Question
from services.journey.domain.run import Run


class SplitNode(Node):
    """Two ways: by a segment, or by a condition in the language of segments, both asked live."""

    kind: ClassVar[str] = "split"
    falls_through: ClassVar[bool] = False

    segment: str | None = Field(default=None, min_length=1, max_length=200)
    condition: dict[str, Any] | None = None
    yes: str | None
    no: str | None

    @model_validator(mode="after")
    def _asks_one_thing(self) -> "SplitNode":
        if (self.segment is None) == (self.condition is None):
            raise ValueError("split by a `segment` or by a `condition`")
        return self

    def branches(self) -> Mapping[str, str | None]:
        """Return both ways."""
        return {"yes": self.yes, "no": self.no}

    def segments(self) -> Iterable[tuple[str, str]]:
        """Return the segment split by."""
        return [("segment", self.segment)] if self.segment else []

    def conditions(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """Return the condition split by."""
        return [("condition", self.condition)] if self.condition is not None else []

    @property
    def question(self) -> Question:
        """Return what to ask the segment service."""
        if self.segment is not None:
            return Question("segment", self.segment)
        return Question("condition", msgspec.json.encode(self.condition, order="sorted").decode())

    def decide(self, _run: Run, facts: Facts, /) -> Outcome:
        """Take the way of the answer."""
        if self.question not in facts.answers:
            return Ask((self.question,))
        holds = bool(facts.answers[self.question])
        return Go("yes" if holds else "no", values={"holds": holds})


node = SplitNode
