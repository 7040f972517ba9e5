"""Who is in a segment, how many were when, and who would miss it."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from libs.common.http.callers import RuntimeOf, Transaction
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from services.segment.api.segments import Reader
from services.segment.clients.dependents import name_dependents
from services.segment.store import memberships, persons
from services.segment.usecases.list_references import list_dependents
from services.segment.usecases.load_segment import load_segment

router = APIRouter(prefix="/v1/segment", tags=["segments"])


class Members(BaseModel):
    """A member."""

    person_no: int
    person_id: UUID | None


class Size(BaseModel):
    """The size at the end of an hour, and who came and went in it."""

    at: datetime
    version: int
    size: int
    entered: int
    exited: int


class NamedBy(BaseModel):
    """A journey or a tag that names a segment."""

    kind: Literal["journey", "tag"]
    key: str = Field(description="a journey's id; a tag's name")
    name: str
    state: str = Field(description="draft, live or paused; a tag is live")


class Dependents(BaseModel):
    """What would miss this segment: segments that refer to it, journeys that are not stopped, rules of tags."""

    segment_ids: list[UUID]
    named_by: list[NamedBy]


@router.get("/segments/{segment_id}/dependents")
async def get_dependents(segment_id: UUID, caller: Reader, runtime: RuntimeOf) -> Dependents:
    """Return the segments, journeys and tags that refer to this one; 503 while journey or profile do not answer."""
    workspace_id = caller.workspace_id
    async with runtime.database.transaction(workspace_id) as tx:
        await load_segment(tx, workspace_id=workspace_id, segment_id=segment_id)
        found = await list_dependents(tx, workspace_id=workspace_id, segment_id=segment_id)
    named = await name_dependents(runtime.peers, workspace_id, segment_id)
    return Dependents(segment_ids=found, named_by=[NamedBy(**one._asdict()) for one in named])


@router.get("/segments/{segment_id}/members")
async def get_members(
    segment_id: UUID, caller: Reader, tx: Transaction, limit: Limit = 100, cursor: Cursor = None
) -> Page[Members]:
    """Return the members, by number; a page holds fewer where some were erased or merged a moment ago."""
    await load_segment(tx, workspace_id=caller.workspace_id, segment_id=segment_id)
    position = decode_cursor(cursor, tuple[int])
    after = position[0] if position and 0 <= position[0] < 2**31 else 0
    found = await memberships.members_after(tx, caller.workspace_id, segment_id, person_no=after, limit=limit)
    known = await persons.still_there(tx, caller.workspace_id, found)
    items = [Members(person_no=number, person_id=person_id) for number, person_id in known.items()]
    return Page[Members](items=items, next_cursor=encode_cursor(found[-1]) if len(found) == limit else None)


@router.get("/segments/{segment_id}/sizes")
async def get_sizes(
    segment_id: UUID,
    caller: Reader,
    tx: Transaction,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: Limit = 1000,
) -> list[Size]:
    """Return the size by the hour, newest first; hours without a change are left out."""
    await load_segment(tx, workspace_id=caller.workspace_id, segment_id=segment_id)
    points = await memberships.size_history(
        tx, caller.workspace_id, segment_id, from_time=start, to_time=end, limit=limit
    )
    return [Size(**{name: getattr(point, name) for name in Size.model_fields}) for point in points]
