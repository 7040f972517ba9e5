from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from services.segment.store import reconciliations

router = APIRouter(prefix="/v1/segment", tags=["reconciliations"])

Reader = Annotated[Caller, Depends(requires("operations:read"))]
Operator = Annotated[Caller, Depends(requires("operations:write"))]
LAST = UUID(int=2**128 - 1)


class ReconciliationView(BaseModel):
    """What a reconciliation found: memberships missing and surplus, and by how many events days differ; all 0."""

    reconciliation_id: UUID
    requested_at: datetime
    is_nightly: bool
    finished_at: datetime | None
    segments: int
    failed: int
    missing: int
    surplus: int
    apart: int
    details: dict[str, Any]


@router.post("/reconciliations", status_code=202, response_class=Response)
async def post_reconciliation(caller: Operator, tx: Transaction, runtime: RuntimeOf) -> None:
    """Ask every live segment in full now and repair what is not as it says; count the days against the record."""
    await reconciliations.ask(tx, caller.workspace_id, is_nightly=False)
    tx.after_commit(lambda: runtime.wake("reconcile"))


@router.get("/reconciliations")
async def list_reconciliations(
    caller: Reader, tx: Transaction, limit: Limit = 30, cursor: Cursor = None
) -> Page[ReconciliationView]:
    """Return what reconciling found, newest first; kept for 90 days."""
    position = decode_cursor(cursor, tuple[UUID])
    rows = await reconciliations.page(
        tx, caller.workspace_id, before=position[0] if position else LAST, limit=limit + 1
    )
    items = [ReconciliationView.model_validate(row, from_attributes=True) for row in rows[:limit]]
    more = encode_cursor(items[-1].reconciliation_id) if len(rows) > limit else None
    return Page(items=items, next_cursor=more)
