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
class Parts:
    """The service's own things."""

    settings: MessagingSettings
    channels: Mapping[str, Channel]
    renderer: Renderer
    waiting: dict[UUID, float] = field(default_factory=dict)
    """Since when (monotonic) an intent waits for profile to catch up."""
    pace: Pace = field(default_factory=lambda: Pace(most=500, size=200))
