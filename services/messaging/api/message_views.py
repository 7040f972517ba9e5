"""How a message is shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.messaging.store.handoffs import Handoff
from services.messaging.store.intents import StoredIntent
from services.messaging.store.steps import TrailLine


class Summary(BaseModel):
    """A message and its state; `values` are those that decided."""

    message_id: UUID
    person_id: UUID | None
    state: str
    reason: str
    values: dict[str, Any]
    channel: str
    channels: list[str]
    message_class: str
    category: str
    topic: str
    origin: str
    journey_id: UUID | None
    run_id: UUID | None
    node: str
    visit: int
    campaign_id: UUID | None
    template_id: UUID | None
    template: str | None
    requested_at: datetime
    expires_at: datetime
    changed_at: datetime


class StepView(BaseModel):
    """One decision or report."""

    at: datetime
    state: str
    channel: str
    reason: str
    values: dict[str, Any]


class AttemptView(BaseModel):
    """What was handed to a channel, and how that ended."""

    channel: str
    provider_id: str
    state: str
    attempt: int
    language: str
    template_version: int | None
    error: str
    raw: str
    submitted_at: datetime
    changed_at: datetime


class MessageView(Summary):
    """A message with its whole trail."""

    steps: list[StepView]
    attempts: list[AttemptView]


class MessageContent(BaseModel):
    """What a channel was given."""

    channel: str
    language: str
    template_version: int | None
    content: dict[str, str]


def _fields(stored: StoredIntent) -> dict[str, Any]:
    intent = stored.intent
    return {
        "message_id": intent.intent_id,
        "person_id": stored.person_id,
        "state": stored.state,
        "reason": stored.reason,
        "values": stored.detail,
        "channel": stored.channel,
        "channels": list(intent.channels),
        "message_class": intent.message_class,
        "category": intent.category,
        "topic": intent.topic,
        "origin": stored.origin,
        "journey_id": stored.journey_id,
        "run_id": stored.run_id,
        "node": stored.node,
        "visit": stored.visit,
        "campaign_id": stored.campaign_id,
        "template_id": stored.template_id,
        "template": stored.template_key,
        "requested_at": stored.requested_at,
        "expires_at": intent.expires_at,
        "changed_at": stored.changed_at,
    }


def summary_of(stored: StoredIntent) -> Summary:
    """Return a message for a list."""
    return Summary(**_fields(stored))


def trace_of(stored: StoredIntent, lines: Sequence[TrailLine], handoffs: Sequence[Handoff]) -> MessageView:
    """Return a message with everything that happened to it."""
    return MessageView(
        **_fields(stored),
        steps=[
            StepView(at=line.at, state=line.state, channel=line.channel, reason=line.reason, values=line.detail)
            for line in lines
        ],
        attempts=[
            AttemptView(
                channel=h.channel,
                provider_id=h.message_id,
                state=h.state,
                attempt=h.attempt,
                language=h.language,
                template_version=h.template_version,
                error=h.error_code,
                raw=h.error_raw,
                submitted_at=h.submitted_at,
                changed_at=h.changed_at,
            )
            for h in handoffs
        ],
    )
