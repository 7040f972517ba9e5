"""How much is kept, to be reconciled with the record of events."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from libs.common.http.callers import Caller, Transaction, requires
from services.profile.store.timeline import count_entries

router = APIRouter(prefix="/v1/profile", tags=["operations"])


class CountsView(BaseModel):
    """The rows of all timelines; events without an identifier are in none."""

    collected: int = Field(description="events of touchpoints")
    own: int = Field(description="what messages and journeys did")


@router.get("/counts")
async def get_counts(caller: Annotated[Caller, Depends(requires("operations:read"))], tx: Transaction) -> CountsView:
    """Count the timelines' rows; it reads a whole index, so ask it for reconciliation, not for a screen."""
    collected, own = await count_entries(tx, caller.workspace_id)
    return CountsView(collected=collected, own=own)
