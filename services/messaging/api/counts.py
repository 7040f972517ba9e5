"""Messages in numbers: by state and drop reason, and what was reported about them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from libs.common.http.callers import Caller, Transaction, requires
from services.messaging.api.words import TEXT, Instant
from services.messaging.store.message_views import Choice, count_messages

router = APIRouter(prefix="/v1/messaging", tags=["messages"])

Reader = Annotated[Caller, Depends(requires("messages:read"))]


class StateCount(BaseModel):
    """Messages in one state."""

    state: str
    channel: str
    reason: str
    messages: int


class ReportCount(BaseModel):
    """Messages with a report; `human` is false for scanners and prefetch."""

    report: str
    channel: str
    human: bool
    messages: int


class Counts(BaseModel):
    """The states add up to all messages asked for."""

    states: list[StateCount]
    reports: list[ReportCount]


@router.get("/counts")
async def get_counts(
    caller: Reader,
    tx: Transaction,
    journey_id: UUID | None = None,
    node: Annotated[str | None, Query(max_length=200, pattern=TEXT)] = None,
    campaign_id: UUID | None = None,
    since: Instant | None = None,
    until: Instant | None = None,
) -> Counts:
    """Count messages asked for in a span, of a journey, node or campaign, or of all."""
    choice = Choice(journey_id=journey_id, node=node, campaign_id=campaign_id)
    states, reports = await count_messages(tx, caller.workspace_id, choice, since=since, until=until)
    return Counts(
        states=[StateCount(state=s, channel=c, reason=r, messages=n) for s, c, r, n in states],
        reports=[ReportCount(report=s, channel=c, human=h, messages=n) for s, c, h, n in reports],
    )
