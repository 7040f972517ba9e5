"""What is decided about: a claimed intent with its verdict so far, and everything to send it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from services.messaging.domain.intent import Intent, Verdict
from services.messaging.store.intents import StoredIntent
from services.messaging.store.queue import Claim


@dataclass(frozen=True)
class Prepared:
    """A claimed intent after the gate's first half: its verdict, and if it may go, everything to send it."""

    claim: Claim
    stored: StoredIntent
    verdict: Verdict
    zone: ZoneInfo
    message_id: str = ""
    address: str = field(repr=False, default="")
    address_lookup: bytes | None = None
    content: Mapping[str, str] = field(repr=False, default_factory=dict)
    language: str = ""
    template_version: int | None = None

    @property
    def intent(self) -> Intent:
        """Return the intent."""
        return self.stored.intent

    @property
    def channel(self) -> str:
        """Return the channel it would take, or was refused on."""
        return self.verdict.channel
