"""What a process of this service keeps in memory: graphs, triggers, and how much it claims at once."""

from dataclasses import dataclass, field

from services.journey.store.graphs import Graphs
from services.journey.store.triggers import TriggerIndex

MOST_RUNS = 1_000
HORIZON_SECONDS = 7 * 86_400.0


@dataclass
class JourneyMemory:
    """The service's own parts; `share` shrinks after a failed write, so that the run at fault is found."""

    graphs: Graphs = field(default_factory=Graphs)
    triggers: TriggerIndex = field(init=False)
    most_runs: int = MOST_RUNS
    share: int = MOST_RUNS
    horizon_seconds: float = HORIZON_SECONDS

    def __post_init__(self) -> None:
        self.triggers = TriggerIndex(self.graphs)
        self.share = self.most_runs

    def shrink(self) -> None:
        """Claim less at once."""
        self.share = max(1, self.share // 8)

    def grow(self) -> None:
        """Claim more again."""
        self.share = min(self.most_runs, self.share * 2)
