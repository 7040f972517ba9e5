from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from libs.common.contracts.event import Event

MessageClass = Literal["transactional", "service", "marketing"]


class MessageRequested(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A journey decided to send; messaging decides whether, when and by which channel.

    `idempotency_key` names run, node and visit: the same key is the same intent. `context` holds plain values of the
    run for rendering, `sealed` the personal ones as sealed JSON. `due_at` is the earliest moment of sending.
    `entered_as` is the number of the person the run was entered as, `subject_no` the identifier it was entered by (0:
    unknown): they tell whose the message is when persons that merged part again.
    """

    subject: ClassVar[str] = "journey.message.requested.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("messaging",)

    idempotency_key: str
    journey_id: UUID
    journey_version: int
    run_id: UUID
    node: str
    visit: int
    person_id: UUID
    channels: tuple[str, ...]
    template_id: UUID | None
    template_key: str | None = None
    purpose: str = "marketing"
    message_class: MessageClass = "marketing"
    category: str = ""
    topic: str = ""
    priority: int = 0
    expires_at: datetime | None = None
    due_at: datetime | None = None
    fallback_after_seconds: float | None = None
    context: msgspec.Raw = msgspec.Raw(b"{}")
    sealed: str | None = None
    entered_as: int = 0
    subject_no: int = 0
