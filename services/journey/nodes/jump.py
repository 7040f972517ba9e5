"""Go back, so many times at most."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from services.journey.domain.node import NEXT, End, Facts, Go, Node, Outcome
from services.journey.domain.run import Run


class JumpNode(Node):
    """Leads back (or ahead) at most `max_visits` times; then on to `next` if the author named it, else out."""

    kind: ClassVar[str] = "jump"
    guards_loops: ClassVar[bool] = True
    falls_through: ClassVar[bool] = False

    to: str
    max_visits: int = Field(default=10, ge=1, le=1_000)

    def branches(self) -> Mapping[str, str | None]:
        """Return where it jumps, and where it leads afterwards."""
        return {"to": self.to, **super().branches()}

    def decide(self, run: Run, _facts: Facts, /) -> Outcome:
        """Jump until the visits are used up."""
        if run.visit <= self.max_visits:
            return Go("to")
        return Go(NEXT, "visits used up") if NEXT in super().branches() else End("loop", "visits used up")


node = JumpNode
