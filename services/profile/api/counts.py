from typing import Annotated, get_args

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from libs.common.contracts.identity.event_recorded import CallKind
from libs.common.http.callers import Caller, Transaction, requires
from services.profile.store.counting import count_timeline

router = APIRouter(prefix="/v1/profile", tags=["operations"])

Reader = Annotated[Caller, Depends(requires("operations:read"))]
COLLECTED = frozenset(get_args(CallKind))


class Counts(BaseModel):
    """Entries of all timelines: from touchpoints, and said by our own services."""

    collected: int
    own: int
    by_kind: dict[str, int]


@router.get("/counts")
async def get_counts(caller: Reader, tx: Transaction) -> Counts:
    """Count timeline entries, to be compared with the record; reads the whole table."""
    by_kind = await count_timeline(tx, caller.workspace_id)
    collected = sum(count for kind, count in by_kind.items() if kind in COLLECTED)
    return Counts(collected=collected, own=sum(by_kind.values()) - collected, by_kind=by_kind)
