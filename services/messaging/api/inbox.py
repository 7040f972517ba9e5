"""The in-app inbox of a person: pull, badge, read."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from libs.common.http.callers import Caller, RuntimeOf, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from services.messaging.clients.persons import find_person
from services.messaging.store.handoffs import Report
from services.messaging.store.inbox_messages import mark_read, pull_inbox, unread_count
from services.messaging.store.persons import lock_persons
from services.messaging.usecases.record_reports import record_reports

router = APIRouter(prefix="/v1/messaging/inbox", tags=["inbox"])

Reader = Annotated[Caller, Depends(requires("personal:read"))]
Writer = Annotated[Caller, Depends(requires("messages:write"))]


class InboxMessage(BaseModel):
    """A message in the app."""

    message_id: UUID
    subject: str
    text: str
    url: str
    action: str
    created_at: datetime
    expires_at: datetime | None
    read_at: datetime | None


class Badge(BaseModel):
    """How many are unread."""

    unread: int


class ReadBody(BaseModel):
    """What the person has read."""

    message_ids: list[UUID] = Field(min_length=1, max_length=500)


@router.get("/{person_id}")
async def pull(
    person_id: UUID, caller: Reader, runtime: RuntimeOf, limit: Limit = 50, cursor: Cursor = None
) -> Page[InboxMessage]:
    """Return a person's messages that have not expired, newest first."""
    before = decode_cursor(cursor, tuple[UUID])
    person = await find_person(runtime.peers, caller.workspace_id, person_id, "path/person_id")
    now, sealer = runtime.now(caller.workspace_id), runtime.sealer(caller.workspace_id)
    async with runtime.database.transaction(caller.workspace_id) as tx:
        found = await pull_inbox(
            tx,
            caller.workspace_id,
            person.person_no,
            now=now,
            limit=limit + 1,
            before=before[0] if before else None,
        )
    items = []
    for entry in found[:limit]:
        content = sealer.open_json(entry.content_sealed)
        items.append(
            InboxMessage(
                message_id=entry.intent_id,
                subject=content.get("subject", ""),
                text=content.get("text", ""),
                url=content.get("url", ""),
                action=content.get("action", ""),
                created_at=entry.created_at,
                expires_at=entry.expires_at,
                read_at=entry.read_at,
            )
        )
    more = encode_cursor(found[limit - 1].intent_id) if len(found) > limit else None
    return Page(items=items, next_cursor=more)


@router.get("/{person_id}/badge")
async def badge(person_id: UUID, caller: Reader, runtime: RuntimeOf) -> Badge:
    """Return the number on the badge."""
    person = await find_person(runtime.peers, caller.workspace_id, person_id, "path/person_id")
    async with runtime.database.transaction(caller.workspace_id) as tx:
        unread = await unread_count(tx, caller.workspace_id, person.person_no, now=runtime.now(caller.workspace_id))
    return Badge(unread=unread)


@router.post("/{person_id}/read")
async def read(person_id: UUID, body: ReadBody, caller: Writer, runtime: RuntimeOf) -> Badge:
    """Mark messages as read; each counts as opened, once."""
    person = await find_person(runtime.peers, caller.workspace_id, person_id, "path/person_id")
    workspace_id, now = caller.workspace_id, runtime.now(caller.workspace_id)
    async with runtime.worker_database.transaction(workspace_id) as tx:
        await lock_persons(tx, workspace_id, [person.person_no])  # before the messages, as a merge does
        opened = await mark_read(tx, workspace_id, person.person_no, body.message_ids, now=now)
        reports = [Report(intent_id=i, channel="inbox", state="opened", at=now) for i in opened]
        await record_reports(tx, workspace_id, reports, now=now)
        unread = await unread_count(tx, workspace_id, person.person_no, now=now)
    return Badge(unread=unread)
