"""What providers report later: bounces, delivery reports."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel

from libs.common.errors import NotFound
from libs.common.http.callers import Caller, RuntimeOf, requires
from services.messaging.domain.message_id import intent_of
from services.messaging.store.handoffs import Report
from services.messaging.usecases.record_reports import record_reports

router = APIRouter(prefix="/v1/messaging", tags=["callbacks"])

Sender = Annotated[Caller, Depends(requires("messages:send"))]


class Taken(BaseModel):
    """How many reports were new."""

    new: int


@router.post("/callbacks/{channel}")
async def take_callback(
    channel: Annotated[str, Path(max_length=40)], request: Request, caller: Sender, runtime: RuntimeOf
) -> Taken:
    """Take a channel's report as it came (for mail: the raw message of a bounce); repeats change nothing."""
    driver = runtime.parts.channels.get(channel)
    if driver is None:
        raise NotFound("there is no such channel")
    receipts = driver.parse_callback(dict(request.headers), await request.body())
    now = runtime.now(caller.workspace_id)
    reports = [
        Report(intent_id=found[0], channel=found[1], state=r.state, at=r.at or now, error=r.error)
        for r in receipts
        if (found := intent_of(r.provider_id)) is not None
    ]
    async with runtime.worker_database.transaction(caller.workspace_id) as tx:
        new = await record_reports(tx, caller.workspace_id, reports, now=now)
        tx.after_commit(lambda: runtime.wake("send_due_messages"))
    return Taken(new=new)
