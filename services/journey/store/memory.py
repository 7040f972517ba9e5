"""What a process of this service keeps in memory: graphs, triggers, and how much it claims at once."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.journey.store.due_runs import Asking
from services.journey.store.graphs import Graphs
from services.journey.store.triggers import TriggerIndex

MOST_RUNS = 1_000
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
HORIZON_SECONDS = 7 * 86_400.0


@dataclass
class JourneyMemory:
    """The service's own parts.

    `share` shrinks after a failed write, so that the run at fault is found; it is divided among the workspaces that
    were active in the last round. `marks` says, by workspace, up to when everything received is known to be applied.
    `asking` are the runs whose questions are to be put to the other services; should this process end, their leases
    run out and they come again.
    """

    graphs: Graphs = field(default_factory=Graphs)
    triggers: TriggerIndex = field(init=False)
    most_runs: int = MOST_RUNS
    share: int = MOST_RUNS
    horizon_seconds: float = HORIZON_SECONDS
    marks: dict[int, datetime] = field(default_factory=dict)
    active: int = 1
    asking: list[Asking] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.triggers = TriggerIndex(self.graphs)
        self.share = self.most_runs

    def mark_of(self, workspace_id: int, *, driven: bool) -> datetime:
        """Return up to when waits of a workspace may end; a driven clock is drained before it moves: any time."""
        return LATEST if driven else self.marks.get(workspace_id, EARLIEST)

    @property
    def fair_share(self) -> int:
        """Return how many runs to claim of each workspace."""
        return max(1, self.share // self.active)

    def shrink(self) -> None:
        """Claim less at once."""
        self.share = max(1, self.share // 8)

    def grow(self) -> None:
        """Claim more again."""
        self.share = min(self.most_runs, self.share * 2)
