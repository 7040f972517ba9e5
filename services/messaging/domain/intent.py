"""The wish to tell a person something: what the gate reads of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

MessageClass = Literal["transactional", "service", "marketing"]
CLASS_RANK: dict[str, int] = {"transactional": 0, "service": 1, "marketing": 2}


@dataclass(frozen=True, slots=True)
class Intent:
    """One decision to make: may this be sent, to whom, by which channel."""

    workspace_id: int
    intent_id: UUID
    person_no: int
    channels: tuple[str, ...]
    expires_at: datetime
    channel_index: int = 0
    message_class: MessageClass = "marketing"
    purpose: str = "marketing"
    category: str = ""
    campaign: str = ""
    topic: str = ""
    content_key: bytes = b""
    priority: int = 0
    value: float = 0.0
    on_lose: Literal["drop", "defer"] = "drop"
    window_ends_at: datetime | None = None

    @property
    def open_channels(self) -> tuple[str, ...]:
        """Return the channels not tried yet, in order."""
        return self.channels[self.channel_index :]

    @property
    def question_purpose(self) -> str:
        """Return the purpose consent is asked for: a transactional message never borrows marketing's."""
        return "transactional" if self.message_class == "transactional" else self.purpose


@dataclass(frozen=True, slots=True)
class Spent:
    """A reserved or confirmed slot: something sent, or about to be, that counts against caps."""

    intent_id: UUID
    channel: str
    at: datetime
    category: str = ""
    campaign: str = ""
    topic: str = ""
    content_key: bytes = b""
    window_ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Take:
    """Go ahead on this channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Never; with the values that decided."""

    reason: str
    values: dict[str, object] = field(default_factory=dict)
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Defer:
    """Not now; ask everything again at `until`."""

    until: datetime
    reason: str
    values: dict[str, object] = field(default_factory=dict)
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Undecided: what says the same is on its way and may still fail; ask everything again at `until`."""

    until: datetime
    channel: str = ""


Verdict = Take | Drop | Defer
Decision = Verdict | Wait
