"""The record of events by time, and the names it has learned."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from libs.common.personal import split_personal
from services.identity.api.query import STORABLE, aware, storable
from services.identity.domain.calls import Refusal, decode_object
from services.identity.store import catalogue, event_log

router = APIRouter(prefix="/v1/identity", tags=["collection"])

Reader = Annotated[Caller, Depends(requires("events:read"))]


class EventView(BaseModel):
    """An event of the record; without the right to read personal data `body` holds its plain part."""

    event_id: UUID
    source_id: int
    received_at: datetime
    event_time: datetime
    original_time: datetime | None
    kind: str
    name: str
    message_id: str
    is_conflict: bool
    imported: bool
    live: bool
    body: Any = None


class CatalogueEntry(BaseModel):
    """A name that arrived: its JSON types, about how often, first and last."""

    kind: Literal["event", "property", "trait"]
    event_name: str
    name: str
    types: list[str]
    seen: int
    first_seen: datetime
    last_seen: datetime


@router.get("/events")
async def list_events(
    caller: Reader,
    tx: Transaction,
    runtime: RuntimeOf,
    source_id: int | None = Query(None, ge=0, le=2**31 - 1),
    name: Annotated[str | None, Query(max_length=255, pattern=STORABLE)] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[EventView]:
    """List events by arrival, newest first; `$identify`, `$page` ... name the calls that are no track."""
    before = decode_cursor(cursor, tuple[datetime, UUID])
    before = (aware(before[0]), before[1]) if before else None
    rows = await event_log.list_events(
        tx, workspace_id=caller.workspace_id, source_id=source_id, name=name, before=before, limit=limit + 1
    )
    sealer = runtime.sealer(caller.workspace_id)
    personal = caller.may("personal:read")
    names = runtime.personal_names(caller.workspace_id)
    items = []
    for row in rows[:limit]:
        body = decode_object(sealer.open(row.payload))
        shown = {} if isinstance(body, Refusal) else body if personal else split_personal(body, "trait", names)[0]
        named = {field: getattr(row, field) for field in EventView.model_fields if field != "body"}
        items.append(EventView(body=shown, **named))
    more = encode_cursor(items[-1].received_at, items[-1].event_id) if len(rows) > limit else None
    return Page(items=items, next_cursor=more)


@router.get("/catalogue")
async def list_catalogue(
    caller: Reader,
    tx: Transaction,
    kind: Literal["event", "property", "trait"] | None = None,
    event_name: Annotated[str | None, Query(max_length=255, pattern=STORABLE)] = None,
    limit: Limit = 500,
    cursor: Cursor = None,
) -> Page[CatalogueEntry]:
    """List the events, properties and traits that have arrived, with their types."""
    after = decode_cursor(cursor, tuple[str, str, str])
    for part in after or ():
        storable(part)
    rows = await catalogue.list_rows(
        tx, workspace_id=caller.workspace_id, kind=kind, event_name=event_name, after=after, limit=limit + 1
    )
    items = [CatalogueEntry.model_validate(row, from_attributes=True) for row in rows[:limit]]
    last = items[-1] if len(rows) > limit else None
    return Page(items=items, next_cursor=encode_cursor(last.kind, last.event_name, last.name) if last else None)
