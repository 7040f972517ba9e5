from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from libs.common.errors import NotFound
from libs.common.http.callers import Caller, RuntimeOf, requires
from libs.common.http.replays import ReplayView
from libs.common.replay import store as replays
from services.segment.store import known_names, rebuilds, squashes
from services.segment.store.counting import counts_by_day
from services.segment.usecases.insert_blocks import insert_blocks

router = APIRouter(prefix="/v1/segment", tags=["columnar store"])

Reader = Annotated[Caller, Depends(requires("segments:read"))]
Operator = Annotated[Caller, Depends(requires("operations:write"))]


class DayCount(BaseModel):
    """Events stored that were received on a day (UTC), by where they come from."""

    day: date
    origin: str
    events: int
    distinct_events: int


class RebuildView(BaseModel):
    """How far a rebuild of the columnar rows is; each replay tells what its owner told and what was applied."""

    rebuild_id: UUID
    state: Literal["wiping", "replaying", "finished"]
    reason: str
    requested_at: datetime
    finished_at: datetime | None
    replays: list[ReplayView]


class Names(BaseModel):
    """Names that can stand in a definition."""

    events: list[str]
    traits: list[str]
    tags: list[str]
    account_traits: list[str]


@router.get("/columnar/counts")
async def get_counts(
    caller: Reader, runtime: RuntimeOf, start: datetime | None = None, end: datetime | None = None
) -> list[DayCount]:
    """Return how many events the columnar store holds by day and origin, to be compared with the record."""
    async with runtime.parts.locks[caller.workspace_id]:
        # within the lock: a round asks several questions, about the same rows
        await insert_blocks(
            runtime.worker_database,
            runtime.parts.columnar,
            workspace_id=caller.workspace_id,
            sealer=runtime.sealer(caller.workspace_id),
        )
        async with runtime.worker_database.transaction(caller.workspace_id) as tx:
            moved = await squashes.moved(tx, caller.workspace_id)
        rows = await counts_by_day(runtime.parts.columnar, caller.workspace_id, start=start, end=end, moved=moved)
    return [DayCount(**row) for row in rows]


@router.post("/columnar/rebuild", status_code=202)
async def post_rebuild(caller: Operator, runtime: RuntimeOf) -> RebuildView:
    """Make the workspace's columnar rows anew from the owners; memberships stay as they are meanwhile."""
    workspace_id = caller.workspace_id
    async with runtime.worker_database.transaction(workspace_id) as tx:
        await rebuilds.request(tx, [workspace_id], reason=f"asked for by {caller.name}")
    runtime.wake("rebuild_columnar")
    return await _progress(runtime, workspace_id)


@router.get("/columnar/rebuild")
async def get_rebuild(caller: Reader, runtime: RuntimeOf) -> RebuildView:
    """Return how far the latest rebuild of the workspace's columnar rows is."""
    return await _progress(runtime, caller.workspace_id)


async def _progress(runtime: RuntimeOf, workspace_id: int) -> RebuildView:
    async with runtime.worker_database.transaction(workspace_id) as tx:
        last = await rebuilds.last_rebuild(tx, workspace_id)
        found = await replays.of_ids(tx, last.replays) if last else []
    if last is None:
        raise NotFound("the columnar store was never rebuilt for this workspace")
    state = "finished" if last.finished_at else "replaying" if last.is_wiped else "wiping"
    return RebuildView(
        rebuild_id=last.rebuild_id,
        state=state,
        reason=last.reason,
        requested_at=last.requested_at,
        finished_at=last.finished_at,
        replays=[ReplayView.model_validate(one, from_attributes=True) for one in found],
    )


@router.get("/names")
async def get_names(caller: Reader, runtime: RuntimeOf) -> Names:
    """Return the names of events, traits, tags and accounts' traits ever seen."""
    async with runtime.database.transaction(caller.workspace_id) as tx:
        names = await known_names.all_names(tx, caller.workspace_id)
    return Names(events=names["event"], traits=names["trait"], tags=names["tag"], account_traits=names["account_trait"])
