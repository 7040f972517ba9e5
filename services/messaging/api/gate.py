"""The gate as a question: would this message go out to this person now, and if not, why."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from libs.common.http.callers import Caller, RuntimeOf, requires
from libs.common.ids import new_id
from services.messaging.api.words import ChannelName, Word
from services.messaging.clients.persons import find_person
from services.messaging.clients.profile import ask_reach, reach_of
from services.messaging.domain.intent import Defer, Intent, Take
from services.messaging.usecases.rehearse_gate import rehearse_gate

router = APIRouter(prefix="/v1/messaging", tags=["messages"])

Reader = Annotated[Caller, Depends(requires("messages:read"))]


class GateBody(BaseModel):
    """A message that might be sent."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    person_id: UUID
    channels: list[ChannelName] = Field(min_length=1, max_length=10)
    message_class: Literal["transactional", "service", "marketing"] = Field(default="marketing", alias="class")
    purpose: Word = "marketing"
    category: Word = ""
    campaign: Word = ""
    topic: Word = ""


class SlotView(BaseModel):
    """A message that counts against caps."""

    message_id: UUID
    channel: str
    at: datetime


class GateView(BaseModel):
    """send, defer (with `until`) or drop; the reason, the values behind it, and what the person was sent lately."""

    verdict: Literal["send", "defer", "drop"]
    channel: str
    reason: str
    values: dict[str, Any]
    until: datetime | None
    timezone: str
    sent_lately: list[SlotView]


@router.post("/gate")
async def rehearse(body: GateBody, caller: Reader, runtime: RuntimeOf) -> GateView:
    """Ask the gate without sending; nothing is reserved, and the answer holds for this moment only."""
    workspace_id = caller.workspace_id
    person = await find_person(runtime.peers, workspace_id, body.person_id)
    intent = Intent(
        workspace_id=workspace_id,
        intent_id=new_id(),
        person_no=person.person_no,
        channels=tuple(body.channels),
        expires_at=runtime.now(workspace_id) + timedelta(days=1),
        message_class=body.message_class,
        purpose=body.purpose,
        category=body.category,
        campaign=body.campaign,
        topic=body.topic,
    )
    reach = reach_of(intent, await ask_reach(runtime.peers, workspace_id, [intent], []))
    capabilities = {name: channel.capabilities for name, channel in runtime.parts.channels.items()}
    async with runtime.database.transaction(workspace_id) as tx:
        found = await rehearse_gate(tx, intent, reach, capabilities=capabilities, sealer=runtime.sealer(workspace_id))
    verdict = found.verdict
    taken = isinstance(verdict, Take)
    return GateView(
        verdict="send" if taken else "defer" if isinstance(verdict, Defer) else "drop",
        channel=verdict.channel,
        reason="" if isinstance(verdict, Take) else verdict.reason,
        values={} if isinstance(verdict, Take) else verdict.values,
        until=verdict.until if isinstance(verdict, Defer) else None,
        timezone=found.zone,
        sent_lately=[SlotView(message_id=s.intent_id, channel=s.channel, at=s.at) for s in found.spent],
    )
