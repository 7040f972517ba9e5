"""A person's timeline: events, messages and journey steps, newest first."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from libs.common.errors import Invalid
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.exact import exact
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from libs.common.personal import Sealer, merge_personal
from services.profile.api.models import MASKED, TEXT, Instant
from services.profile.domain.values import is_storable_instant, parse_object
from services.profile.store import persons, timeline
from services.profile.store.timeline import Choice, Entry
from services.profile.usecases.find_person import find_person

router = APIRouter(prefix="/v1/profile", tags=["timeline"])

Reader = Annotated[Caller, Depends(requires("profiles:read"))]
Names = Annotated[
    list[Annotated[str, Field(max_length=500, pattern=TEXT)]] | None,
    Query(alias="name", max_length=50, description="names of events; repeat for several"),
]
Sources = Annotated[list[Annotated[int, Field(ge=0, le=2**31 - 1)]] | None, Query(alias="source_id", max_length=50)]
When = Annotated[Instant | None, Query(description="with an offset")]


class EntryView(BaseModel):
    """Something that happened to the person."""

    event_id: UUID
    kind: str = Field(description="track, identify, page, screen, group, alias, message or journey")
    name: str
    source_id: int = Field(description="0 for messages and journeys")
    event_time: datetime
    received_at: datetime
    properties: Any
    traits: Any = None
    context: Any = None
    masked: bool = Field(description=f"a part is missing: {MASKED}")


@router.get("/persons/{person_id}/timeline", response_model=Page[EntryView])
async def read_timeline(
    person_id: UUID,
    caller: Reader,
    tx: Transaction,
    runtime: RuntimeOf,
    names: Names = None,
    source_ids: Sources = None,
    since: When = None,
    until: When = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """Return what happened to the person by event time [since, until), newest first."""
    row = await find_person(tx, caller.workspace_id, person_id)
    aliases = (await persons.aliases_of(tx, caller.workspace_id, [row.canonical_no]))[row.canonical_no]
    before = decode_cursor(cursor, tuple[AwareInstant, UUID])
    if before is not None and not is_storable_instant(before[0]):
        raise Invalid.at("query/cursor", "this is not a cursor of this list")
    choice = Choice(names, source_ids, since, until, before)
    entries = await timeline.read_timeline(tx, caller.workspace_id, row.canonical_no, aliases, choice, limit + 1)
    sealer = runtime.sealer(caller.workspace_id) if caller.may("personal:read") else None
    page = entries[:limit]
    more = encode_cursor(page[-1].event_time, page[-1].event_id) if len(entries) > limit else None
    return exact(Page(items=[entry_view(entry, sealer) for entry in page], next_cursor=more))


AwareInstant = Annotated[datetime, msgspec.Meta(tz=True)]


def entry_view(entry: Entry, sealer: Sealer | None) -> EntryView:
    """Return a row as it is shown: whole with a sealer, else only its plain part."""
    body = parse_object(entry.body)
    if entry.sealed is not None and sealer is not None:
        body = merge_personal(body, parse_object(sealer.open(entry.sealed)))
    return EntryView(
        event_id=entry.event_id,
        kind=entry.kind,
        name=entry.name,
        source_id=entry.source_id,
        event_time=entry.event_time,
        received_at=entry.received_at,
        properties=body.get("properties") or {},
        traits=body.get("traits") or None,
        context=body.get("context") or None,
        masked=entry.sealed is not None and sealer is None,
    )
