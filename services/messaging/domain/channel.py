"""What a channel is: the protocol each file in channels/ fulfils, and the words of its answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from services.messaging.domain.policy import Sender
from services.messaging.domain.provider_errors import CanonicalError
from services.messaging.domain.states import State


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do and what it needs."""

    batch_size: int = 200
    needs_address: bool = True
    implied_consent: bool = False
    """The channel is our own surface: silence allows, only a refusal forbids."""
    idempotent: bool = False
    """Sending the same message id again does not deliver it twice: an unknown outcome is simply sent again."""
    can_poll: bool = False
    """The provider can be asked what became of a message."""
    delivers_at_once: bool = False
    tracks_links: bool = False
    """Its content is HTML whose links and opens are followed."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A rendered message ready to hand over; `address` and `content` are personal and never logged."""

    workspace_id: int
    intent_id: UUID
    message_id: str
    """Ours, the same at every attempt."""
    person_no: int
    address: str = field(repr=False)
    content: Mapping[str, str] = field(repr=False)
    at: datetime
    """The workspace's time of the handoff."""
    sender: Sender = field(default_factory=Sender)
    unsubscribe_url: str = field(repr=False, default="")
    """Empty where nothing can be unsubscribed from: a transactional message."""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it."""

    provider_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider, or the channel itself, did not take it; `raw` is the provider's own code."""

    error: CanonicalError
    raw: str = ""
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class NotBegun:
    """Nothing left this process: the permission lapsed first, or no connection was had. It may be tried again."""

    detail: str = ""


Outcome = Accepted | Refused | NotBegun
Found = Literal["delivered", "accepted", "failed", "absent", "unknown"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider reports about a message later."""

    provider_id: str
    state: State
    error: CanonicalError | None = None
    raw: str = ""
    at: datetime | None = None


class Channel(Protocol):
    """One way to a person."""

    name: str
    capabilities: Capabilities

    def validate(self, outgoing: Outgoing) -> Refused | None:
        """Return why this can never be handed over, None when it can."""

    async def send(self, batch: Sequence[Outgoing], may_begin: "MayBegin") -> list[Outcome]:
        """Hand over each of the batch at most once; `may_begin` is asked right before each one leaves."""

    async def poll(self, message_ids: Sequence[str]) -> dict[str, Found]:
        """Return what the provider knows of each message id; raises Unavailable when it cannot be asked."""

    def parse_callback(self, headers: Mapping[str, str], body: bytes) -> list[Receipt]:
        """Return what a provider's callback reports; raises Invalid."""

    async def close(self) -> None:
        """Close every connection."""


class MayBegin(Protocol):
    """Tells whether the consent answer is still fresh enough for a handoff to begin."""

    def __call__(self) -> bool:
        """Return False when it has to be asked again first."""
