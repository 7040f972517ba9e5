"""What only messaging has in its hands: the channels, the sandbox, how fast each channel takes messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from services.messaging.clients.renderer import Renderer
from services.messaging.domain.channel import Channel
from services.messaging.settings import MessagingSettings

MIN_BATCH = 20


@dataclass
class Pace:
    """How many messages a round may claim: as many as were begun within the consent lease, and then some."""

    most: int
    size: int

    def note(self, *, begun: int, not_begun: int) -> None:
        """Shrink to what a round could hand over, grow again while nothing is left behind."""
        self.size = max(MIN_BATCH, begun) if not_begun else min(self.most, self.size * 2)


@dataclass
class Waiting:
    """Since when (monotonic) intents wait for profile to catch up; what others decided meanwhile is let go of."""

    keep_seconds: float = 600.0
    _since: dict[UUID, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._since)

    def since(self, intent_id: UUID, present: float) -> float:
        """Return since when an intent waits: from now on if it did not."""
        while self._since:  # the oldest stand first
            oldest, began = next(iter(self._since.items()))
            if present - began < self.keep_seconds:
                break
            del self._since[oldest]
        return self._since.setdefault(intent_id, present)

    def end(self, intent_id: UUID) -> None:
        """Forget an intent that goes on."""
        self._since.pop(intent_id, None)


@dataclass
class Parts:
    """The service's own things."""

    settings: MessagingSettings
    channels: Mapping[str, Channel]
    renderer: Renderer
    waiting: Waiting = field(default_factory=Waiting)
    pace: Pace = field(default_factory=lambda: Pace(most=500, size=200))
    swept_at: float | None = None
    """When (monotonic) this process last looked for rows that matter no more."""
