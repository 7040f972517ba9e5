from typing import ClassVar, Literal
from uuid import UUID

from libs.common.contracts.event import Event

MessageState = Literal[
    "sent",
    "delivered",
    "opened",
    "clicked",
    "replied",
    "complained",
    "unsubscribed",
    "failed",
    "bounced",
    "suppressed",
    "deferred",
    "unknown",
]


class MessageProgressed(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a message; `suppressed` carries the reason it was dropped (consent, cap, quiet, holdout, ...)."""

    subject: ClassVar[str] = "messaging.message.progressed.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("profile", "segment", "journey")
    kept: ClassVar[bool] = True

    message_id: UUID
    state: MessageState
    channel: str = ""
    reason: str = ""
    person_id: UUID | None = None
    journey_id: UUID | None = None
    run_id: UUID | None = None
    node: str = ""
    visit: int = 0
    campaign_id: UUID | None = None
    template_id: UUID | None = None
    topic: str = ""
    category: str = ""
    link: str = ""
    human: bool = True
