"""Leave."""

from typing import ClassVar

from services.journey.domain.node import End, Facts, Node, Outcome
from services.journey.domain.run import ExitReason, Run


class ExitNode(Node):
    """Leaves the journey with a reason."""

    kind: ClassVar[str] = "exit"
    falls_through: ClassVar[bool] = False

    reason: ExitReason = "not_matching"

    def decide(self, _run: Run, _facts: Facts, /) -> Outcome:
        """Leave."""
        return End(self.reason)


node = ExitNode
