"""Somebody asks by a call that a person be told something."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec

from libs.common.db import Tx
from libs.common.ids import new_id
from libs.common.personal import Sealer
from services.messaging.domain.intent import MessageClass
from services.messaging.domain.policy import Policy
from services.messaging.store.intents import NewIntent, intent_by_key
from services.messaging.store.policies import load_policies
from services.messaging.store.steps import Step, add_steps
from services.messaging.usecases.accept_intents import accept_intents, content_key


@dataclass(frozen=True)
class Request:
    """What is asked for; `data` is sealed as a whole, for nobody knows what of it is personal."""

    person_no: int
    asked_no: int
    """The number of the id that was asked for: of a side, when that person has merged."""
    person_id: UUID
    channels: tuple[str, ...]
    message_class: MessageClass
    purpose: str
    template_key: str | None
    content: dict[str, Any] | None
    data: dict[str, Any] = field(repr=False, default_factory=dict)
    key: str | None = None
    content_key: str | None = None
    category: str = ""
    campaign: str = ""
    topic: str = ""
    priority: int = 0
    value: float = 0.0
    on_lose: Literal["drop", "defer"] = "drop"
    due_at: datetime | None = None
    expires_at: datetime | None = None
    fallback_after_seconds: float | None = None


async def request_message(
    tx: Tx, workspace_id: int, request: Request, *, sealer: Sealer, now: datetime
) -> tuple[UUID, bool]:
    """Put the request into the ledger; return (message id, whether it is new). A known key is its first message."""
    policies = await load_policies(tx, [workspace_id])
    policy = policies.get(workspace_id, Policy())
    intent_id = new_id()
    key = f"api:{request.key}" if request.key is not None else f"api:{intent_id}"
    intent = _intent(request, intent_id, key, policy, sealer, now)
    if intent_id in await accept_intents(tx, workspace_id, [intent], policy=policy, now=now):
        return intent_id, True
    first = await intent_by_key(tx, workspace_id, key)
    if first is None:  # an erased person: nothing is kept, nothing is sent
        return intent_id, False
    await add_steps(tx, workspace_id, [Step(first, "asked_again", "", "duplicate")], now=now)
    return first, False


def _intent(request: Request, intent_id: UUID, key: str, policy: Policy, sealer: Sealer, now: datetime) -> NewIntent:
    due_at = max(request.due_at or now, now)
    said = request.template_key or msgspec.json.encode(request.content, order="sorted")
    return NewIntent(
        intent_id=intent_id,
        idempotency_key=key,
        person_no=request.person_no,
        side_no=request.asked_no,
        person_id=request.person_id,
        origin="api",
        channels=request.channels,
        requested_at=now,
        received_at=now,
        due_at=due_at,
        expires_at=request.expires_at or due_at + timedelta(seconds=policy.expires_after_seconds),
        message_class=request.message_class,
        purpose=request.purpose,
        category=request.category,
        campaign=request.campaign,
        topic=request.topic,
        priority=request.priority,
        value=request.value,
        on_lose=request.on_lose,
        fallback_after_seconds=request.fallback_after_seconds,
        template_key=request.template_key,
        content=sealer.seal_json(request.content) if request.content is not None else None,
        content_key=content_key(request.content_key)
        if request.content_key is not None
        else content_key(said, msgspec.json.encode(request.data, order="sorted")),
        sealed=sealer.seal_json(request.data) if request.data else None,
    )
