"""Whose turn it is, and how long a workspace whose round failed is left alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 10.0


@dataclass
class Patience:
    """Failures in a row by workspace, until when each of them is left alone, and who had the first turn."""

    failures: dict[int, int] = field(default_factory=dict)
    until: dict[int, float] = field(default_factory=dict)
    first: int = 0

    def in_turn(self, workspaces: Iterable[int], *, at: float) -> list[int]:
        """Return who may be tried now; each time another workspace is the first."""
        ready = sorted(workspace for workspace in workspaces if self.until.get(workspace, at) <= at)
        if not ready:
            return []
        start = next((place for place, workspace in enumerate(ready) if workspace > self.first), 0)
        self.first = ready[start]
        return ready[start:] + ready[:start]

    def failed(self, workspace: int, *, at: float) -> float:
        """Note a failure; return how many seconds the workspace is left alone."""
        failures = self.failures[workspace] = self.failures.get(workspace, 0) + 1
        pause = min(FIRST_PAUSE_SECONDS * (1 << min(failures - 1, 10)), LONGEST_PAUSE_SECONDS)
        self.until[workspace] = at + pause
        return pause

    def succeeded(self, workspace: int) -> None:
        """Forget a workspace's failures."""
        self.failures.pop(workspace, None)
        self.until.pop(workspace, None)
