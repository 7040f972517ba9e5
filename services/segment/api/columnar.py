from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from libs.common.http.callers import Caller, RuntimeOf, requires
from services.segment.store import known_names
from services.segment.store.counting import counts_by_day
from services.segment.usecases.insert_blocks import insert_blocks

router = APIRouter(prefix="/v1/segment", tags=["columnar store"])

Reader = Annotated[Caller, Depends(requires("segments:read"))]


class DayCount(BaseModel):
    """Events stored that were received on a day (UTC), by where they come from."""

    day: date
    origin: str
    events: int
    distinct_events: int


class Names(BaseModel):
    """Names that can stand in a definition."""

    events: list[str]
    traits: list[str]


@router.get("/columnar/counts")
async def get_counts(
    caller: Reader, runtime: RuntimeOf, start: datetime | None = None, end: datetime | None = None
) -> list[DayCount]:
    """Return how many events the columnar store holds by day and origin, to be compared with the record."""
    await insert_blocks(
        runtime.worker_database,
        runtime.parts.columnar,
        workspace_id=caller.workspace_id,
        sealer=runtime.sealer(caller.workspace_id),
    )
    rows = await counts_by_day(runtime.parts.columnar, caller.workspace_id, start=start, end=end)
    return [DayCount(**row) for row in rows]


@router.get("/names")
async def get_names(caller: Reader, runtime: RuntimeOf) -> Names:
    """Return the event and trait names ever seen."""
    async with runtime.database.transaction(caller.workspace_id) as tx:
        names = await known_names.all_names(tx, caller.workspace_id)
    return Names(events=names["event"], traits=names["trait"])
