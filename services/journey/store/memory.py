"""What a process of this service keeps in memory: graphs, triggers, and how much it claims at once."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.journey.store.due_runs import Asking
from services.journey.store.graphs import Graphs
from services.journey.store.triggers import TriggerIndex

MOST_RUNS = 1_000
HORIZON_SECONDS = 7 * 86_400.0
MARK_SECONDS = 60.0
_FIRST_REST_SECONDS = 1.0
_LONGEST_REST_SECONDS = 60.0


@dataclass
class JourneyMemory:
    """The service's own parts.

    What is claimed at once (`most_runs`) is divided among the workspaces that were `active` in the last round. `marks`
    says, by workspace, up to when everything received is known to be applied; `reaching` are the tasks that raise them.
    `asking` are the runs whose questions are to be put to the other services; should this process end, their leases
    run out and they come again.
    """

    graphs: Graphs = field(default_factory=Graphs)
    triggers: TriggerIndex = field(init=False)
    most_runs: int = MOST_RUNS
    horizon_seconds: float = HORIZON_SECONDS
    marks: dict[int, datetime] = field(default_factory=dict)
    reaching: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    active: int = 1
    asking: list[Asking] = field(default_factory=list)
    _rests: dict[int, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.triggers = TriggerIndex(self.graphs)

    @property
    def fair_share(self) -> int:
        """Return how many runs to claim of each workspace."""
        return max(1, self.most_runs // self.active)

    def recent_marks(self, now: datetime) -> dict[int, datetime]:
        """Return the marks of the last minute and forget the others: a workspace at rest costs nothing."""
        oldest = now - timedelta(seconds=MARK_SECONDS)
        self.marks = {workspace_id: mark for workspace_id, mark in self.marks.items() if mark >= oldest}
        return dict(self.marks)

    def rest(self, workspace_id: int) -> None:
        """Leave a workspace alone for a while, each time for twice as long."""
        _, pause = self._rests.get(workspace_id, (0.0, _FIRST_REST_SECONDS / 2))
        pause = min(pause * 2, _LONGEST_REST_SECONDS)
        self._rests[workspace_id] = (time.monotonic() + pause, pause)

    def resting(self) -> list[int]:
        """Return the workspaces left alone now."""
        now = time.monotonic()
        return [workspace_id for workspace_id, (until, _) in self._rests.items() if until > now]

    def end_rest(self, workspace_id: int) -> None:
        """Take note that a workspace is well again."""
        self._rests.pop(workspace_id, None)

    async def close(self) -> None:
        """End the tasks still waiting for other services; whatever is due comes again."""
        tasks = list(self.reaching.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
