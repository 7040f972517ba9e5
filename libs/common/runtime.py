"""What a service has in its hands while it runs; built in one place, passed down."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from libs.common.access.directory import Directory
from libs.common.bus import Bus, Subscription, SubscriptionLoop
from libs.common.clock import DatabaseClock
from libs.common.db import Database
from libs.common.http.peers import Peers
from libs.common.jobs import JobLoop
from libs.common.outbox import Relay
from libs.common.personal import Sealer
from libs.common.replay.telling import Telling
from libs.common.settings import ServiceSettings

P = TypeVar("P")


@dataclass
class Runtime(Generic[P]):
    """Database, bus, neighbours, clock and directory of one service process; `parts` are the service's own things."""

    service: str
    settings: ServiceSettings
    database: Database
    worker_database: Database
    bus: Bus
    directory: Directory
    peers: Peers
    clock: DatabaseClock
    parts: P
    loops: dict[str, JobLoop] = field(default_factory=dict)
    subscriptions: list[SubscriptionLoop] = field(default_factory=list)
    subscribers: dict[str, Subscription[Any]] = field(default_factory=dict)
    tellings: dict[str, Telling] = field(default_factory=dict)
    relay: Relay | None = None
    held: set[int] = field(default_factory=set)

    def now(self, workspace_id: int) -> datetime:
        """Return the workspace's present: driven, or the database's."""
        workspace = self.directory.workspace(workspace_id)
        if workspace is not None and workspace.driven_now is not None:
            return workspace.driven_now
        return self.clock.now()

    def is_driven(self, workspace_id: int) -> bool:
        """Return whether the workspace's clock is driven."""
        workspace = self.directory.workspace(workspace_id)
        return workspace is not None and workspace.driven_now is not None

    def is_held(self, workspace_id: int) -> bool:
        """Return whether the workspace's clock was put forward and not yet released: nothing is due by time."""
        return workspace_id in self.held

    def sealer(self, workspace_id: int) -> Sealer:
        """Return the codec of the workspace's personal data."""
        return self.directory.sealer(workspace_id)

    def personal_names(self, workspace_id: int) -> Mapping[str, bool]:
        """Return the workspace's own word on which names hold personal data."""
        workspace = self.directory.workspace(workspace_id)
        return workspace.personal_names if workspace is not None else {}

    def wake(self, *jobs: str) -> None:
        """Let jobs look for work at once (call it after the commit that made the work)."""
        for name in jobs:
            loop = self.loops.get(name)
            if loop is not None:
                loop.wake()

    def wake_all(self, names: Iterable[str] | None = None) -> None:
        """Let every job look for work at once."""
        self.wake(*(names if names is not None else self.loops))
