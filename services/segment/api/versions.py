"""The definitions a segment had: what it meant when, and what can be taken up again."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Response
from pydantic import BaseModel

from libs.common.http.callers import Transaction
from libs.common.http.exact import exact
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from services.segment.api.segments import Reader
from services.segment.store.versions import versions_before
from services.segment.usecases.load_segment import load_segment

router = APIRouter(prefix="/v1/segment", tags=["segments"])
_NEWEST = 2**31 - 1


class Version(BaseModel):
    """A definition as it was put; `published_at` is null for one that was never live."""

    version: int
    definition: Any
    created_at: datetime
    published_at: datetime | None


@router.get("/segments/{segment_id}/versions", response_model=Page[Version])
async def get_versions(
    segment_id: UUID, caller: Reader, tx: Transaction, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """Return the versions of a segment, newest first; to take one up again, PATCH its definition."""
    await load_segment(tx, workspace_id=caller.workspace_id, segment_id=segment_id)
    position = decode_cursor(cursor, tuple[int])
    before = min(position[0], _NEWEST) if position else _NEWEST
    rows = await versions_before(tx, caller.workspace_id, segment_id, before=before, limit=limit + 1)
    items = [Version(**vars(row) | {"definition": msgspec.Raw(row.definition.encode())}) for row in rows[:limit]]
    return exact(Page(items=items, next_cursor=encode_cursor(items[-1].version) if len(rows) > limit else None))
