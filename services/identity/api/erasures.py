from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from libs.common import outbox
from libs.common.db import Tx
from libs.common.errors import Conflict, NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from libs.common.ids import new_id
from services.identity.api.graph_changes import change_graph
from services.identity.api.graph_models import (
    Change,
    GivenIdentifier,
    author_of,
    identifier_of,
    parts_of,
    reads_clear,
    view_of_change,
)
from services.identity.domain.erasing import SERVICES
from services.identity.store import erasures
from services.identity.store.erasures import ErasureRow, ReceiptRow
from services.identity.usecases.erase_person import Erased, Wish, erase_person, told_of
from services.identity.usecases.note_in_ledger import note_erased, note_reopened
from services.identity.usecases.reopen_identifiers import reopen_identifiers

router = APIRouter(prefix="/v1/identity", tags=["erasures"])

Reader = Annotated[Caller, Depends(requires("persons:read"))]
Eraser = Annotated[Caller, Depends(requires("persons:erase"))]
Operator = Annotated[Caller, Depends(requires("operations:write"))]


class EraseBody(BaseModel):
    """Why, for the audit; `dry_run` tells what would go and changes nothing."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=500, pattern=r"^[^\x00]*$", description="kept for ever: no personal data here")
    dry_run: bool = False


class ReceiptView(BaseModel):
    """A service has deleted: how many rows of what."""

    service: str
    deleted: dict[str, int]
    received_at: datetime


class ErasureView(BaseModel):
    """An erasure and who has done it; complete when all five services have."""

    erasure_id: UUID
    person_id: UUID
    erased_at: datetime
    author: str
    reason: str
    graph_version: int
    counts: dict[str, int]
    state: str = Field(description="in_progress, complete; rehearsed for a dry run")
    receipts: list[ReceiptView]
    waiting_for: list[str]


class EraseAnswer(ErasureView):
    """The erasure, and what it changed for others who shared something with the person."""

    dry_run: bool
    others: Change


class ReopenBody(BaseModel):
    """Identifiers whose owner consented anew, after they were erased."""

    model_config = ConfigDict(extra="forbid")

    identifiers: list[GivenIdentifier] = Field(min_length=1, max_length=50)


class ReopenAnswer(BaseModel):
    """How many of the identifiers had been erased and may name somebody again."""

    reopened: int


@router.post("/persons/{person_id}/erase")
async def erase(caller: Eraser, runtime: RuntimeOf, person_id: UUID, body: EraseBody) -> EraseAnswer:
    """Forget a person everywhere and for good; late or repeated events bring nothing of him back."""
    parts, workspace_id = parts_of(runtime), caller.workspace_id
    wish = Wish(new_id(), author_of(caller), body.reason)

    async def work(tx: Tx) -> Erased:
        erased = await erase_person(tx, parts.graph, workspace_id, person_id, wish)
        if not body.dry_run:
            await note_erased(parts.ledger, erased, runtime.sealer(workspace_id))
        return erased

    erased = await change_graph(runtime, workspace_id, work, dry_run=body.dry_run)
    runtime.wake("sweep_erased")
    others = view_of_change(erased.batch, dry_run=body.dry_run, clear=reads_clear(caller))
    view = _view(erased.row, [], state="rehearsed" if body.dry_run else "")
    return EraseAnswer(**view.model_dump(), dry_run=body.dry_run, others=others)


@router.get("/erasures")
async def list_erasures(
    caller: Reader, tx: Transaction, limit: Limit = 100, cursor: Cursor = None
) -> Page[ErasureView]:
    """Erasures of the workspace, newest first, each with its receipts."""
    position = decode_cursor(cursor, tuple[UUID])
    rows = await erasures.list_rows(tx, caller.workspace_id, limit=limit + 1, before=position[0] if position else None)
    signed = await erasures.receipts(tx, caller.workspace_id, [row.erasure_id for row in rows])
    items = [_view(row, [one for one in signed if one.erasure_id == row.erasure_id]) for row in rows[:limit]]
    return Page(items=items, next_cursor=encode_cursor(items[-1].erasure_id) if len(rows) > limit else None)


@router.get("/erasures/{erasure_id}")
async def read_erasure(caller: Reader, tx: Transaction, erasure_id: UUID) -> ErasureView:
    """How far an erasure is: the receipts of the services that have deleted, and who is still to do it."""
    row = await _found(tx, caller.workspace_id, erasure_id)
    return _view(row, await erasures.receipts(tx, caller.workspace_id, [erasure_id]))


@router.post("/erasures/{erasure_id}/repeat")
async def repeat(caller: Operator, tx: Transaction, erasure_id: UUID) -> ErasureView:
    """Tell the other services once more, who delete again: after one of them alone was restored from a backup."""
    row = await _found(tx, caller.workspace_id, erasure_id)
    await outbox.add(tx, told_of(row))
    return _view(row, await erasures.receipts(tx, caller.workspace_id, [erasure_id]))


@router.post("/erasures/reopen")
async def reopen(caller: Eraser, runtime: RuntimeOf, body: ReopenBody) -> ReopenAnswer:
    """Let erased identifiers name somebody again, somebody new: their owner consented anew."""
    parts, workspace_id = parts_of(runtime), caller.workspace_id

    async def work(tx: Tx) -> int:
        policies = await parts.graph.present_policies(tx, workspace_id)
        wanted = [
            identifier_of(one, parts, policies, pointer=f"/identifiers/{position}")
            for position, one in enumerate(body.identifiers)
        ]
        reopened = await reopen_identifiers(tx, parts.graph, workspace_id, wanted)
        if not reopened:
            raise Conflict("none of these identifiers was erased", code="not_erased")
        now = runtime.now(workspace_id)
        await note_reopened(parts.ledger, workspace_id, reopened, author_of(caller), runtime.sealer(workspace_id), now)
        return len(reopened)

    return ReopenAnswer(reopened=await change_graph(runtime, workspace_id, work))


async def _found(tx: Tx, workspace_id: int, erasure_id: UUID) -> ErasureRow:
    row = await erasures.find(tx, workspace_id, erasure_id)
    if row is None:
        raise NotFound("there is no such erasure in this workspace")
    return row


def _view(row: ErasureRow, signed: list[ReceiptRow], state: str = "") -> ErasureView:
    waiting = [name for name in SERVICES if name not in {one.service for one in signed}]
    return ErasureView(
        erasure_id=row.erasure_id,
        person_id=row.person_id,
        erased_at=row.erased_at,
        author=row.author,
        reason=row.reason,
        graph_version=row.graph_version,
        counts=row.counts,
        state=state or ("in_progress" if waiting else "complete"),
        receipts=[ReceiptView(service=one.service, deleted=one.counts, received_at=one.received_at) for one in signed],
        waiting_for=waiting,
    )
