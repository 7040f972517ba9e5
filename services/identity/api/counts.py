from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from libs.common.http.callers import Caller, Transaction, requires
from services.identity.store.counting import count_record

router = APIRouter(prefix="/v1/identity", tags=["operations"])

Reader = Annotated[Caller, Depends(requires("operations:read"))]


class Counts(BaseModel):
    """What the record holds now; `merges` are persons that went into another and are still there."""

    events: int
    identifiers: int
    persons: int
    merges: int


@router.get("/counts")
async def get_counts(caller: Reader, tx: Transaction) -> Counts:
    """Count events, identifiers and persons, to be compared with what the other services hold; reads whole tables."""
    return Counts(**await count_record(tx, caller.workspace_id))
