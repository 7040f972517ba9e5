"""Routes of replay: the owner tells its facts again, a consumer asks to be told."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from libs.common.errors import NotFound
from libs.common.http.callers import Caller, RuntimeOf, internal, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from libs.common.replay import ask_replay, store
from libs.common.replay.telling import MOST_EVENTS, page_of

Consumer = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,99}$")]


class ReplayOf(BaseModel):
    """Which consumers of this service are to be told everything of their contracts again."""

    model_config = ConfigDict(extra="forbid")

    consumers: Annotated[list[Consumer], Field(min_length=1, max_length=20)]


class ReplayView(BaseModel):
    """How far a replay is: events told by the owner, applied here, set aside as dead letters."""

    replay_id: UUID
    consumer: str
    subject: str
    told: int
    applied: int
    set_aside: int
    reached: datetime | None
    reason: str
    requested_at: datetime
    finished_at: datetime | None


def add_replays(router: APIRouter, prefix: str) -> None:
    """Add the routes below /v1/<service>."""

    @router.get(f"{prefix}/told", tags=["operations"], include_in_schema=False)
    async def tell_again(
        caller: Annotated[Caller, Depends(internal())],
        runtime: RuntimeOf,
        subject: Annotated[str, Query(max_length=200)],
        after: Annotated[str | None, Query(max_length=2000)] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_EVENTS)] = MOST_EVENTS,
    ) -> Response:
        """Tell a part of all facts of a contract again, under the ids they were told by."""
        telling = runtime.tellings.get(subject)
        if telling is None:
            raise NotFound(f"{runtime.service} does not tell {subject} again")
        async with runtime.worker_database.transaction(caller.workspace_id) as tx:
            page = await page_of(tx, runtime, telling, caller.workspace_id, after, limit)
        return Response(msgspec.json.encode(page), media_type="application/json")

    @router.get(f"{prefix}/told/days", tags=["operations"], include_in_schema=False)
    async def count_days(
        caller: Annotated[Caller, Depends(internal())],
        runtime: RuntimeOf,
        subject: Annotated[str, Query(max_length=200)],
    ) -> Response:
        """Count what was told of a contract by the day it was received (UTC)."""
        telling = runtime.tellings.get(subject)
        if telling is None or telling.count is None:
            raise NotFound(f"{runtime.service} does not count {subject}")
        async with runtime.worker_database.transaction(caller.workspace_id) as tx:
            days = await telling.count(tx, caller.workspace_id)
        return Response(msgspec.json.encode(days), media_type="application/json")

    @router.post(f"{prefix}/replays", tags=["operations"], status_code=202)
    async def post_replays(
        body: ReplayOf,
        caller: Annotated[Caller, Depends(requires("operations:write"))],
        runtime: RuntimeOf,
    ) -> list[UUID]:
        """Let consumers of this service be told everything again by the owners; for read models that were lost."""
        names = list(dict.fromkeys(body.consumers))
        async with runtime.worker_database.transaction(caller.workspace_id) as tx:
            return await ask_replay(tx, runtime, workspace_id=caller.workspace_id, consumers=names)

    @router.get(f"{prefix}/replays", tags=["operations"])
    async def list_replays(
        caller: Annotated[Caller, Depends(requires("operations:read"))],
        runtime: RuntimeOf,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Page[ReplayView]:
        """List replays, oldest first, with their progress."""
        position = decode_cursor(cursor, tuple[UUID])
        after = position[0] if position else UUID(int=0)
        async with runtime.worker_database.transaction(caller.workspace_id) as tx:
            found = await store.list_replays(tx, caller.workspace_id, after=after, limit=limit + 1)
        items = [ReplayView.model_validate(one, from_attributes=True) for one in found[:limit]]
        return Page(items=items, next_cursor=encode_cursor(items[-1].replay_id) if len(found) > limit else None)
