"""Calls that could not be taken: look, mend, try again, discard."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from libs.common.errors import FieldError, Invalid
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from services.identity.api.query import STORABLE
from services.identity.domain.calls import Refusal, decode_object
from services.identity.domain.mapping import ImportMapping
from services.identity.domain.repair import Repair, is_pointer
from services.identity.store import quarantine
from services.identity.store.quarantine import QuarantineRow
from services.identity.usecases.replay_quarantine import Replayed, replay_quarantine

router = APIRouter(prefix="/v1/identity/quarantine", tags=["collection"])

Reader = Annotated[Caller, Depends(requires("events:read"))]
Writer = Annotated[Caller, Depends(requires("events:write"))]
Status = Literal["held", "replayed", "discarded"]


class HeldCall(BaseModel):
    """A call in quarantine. `body` is shown to callers who may read personal data."""

    quarantine_id: UUID
    source_id: int
    received_at: datetime
    reason: str
    pointer: str
    detail: str
    status: Status
    import_id: UUID | None
    row_no: int | None
    settled_at: datetime | None
    body: Any = None


class Choice(BaseModel):
    """Which held calls."""

    ids: list[UUID] = Field(min_length=1, max_length=1000)


class RepairAsked(Choice):
    """Which held calls, and how they are mended before they are tried again (JSON pointers into the call)."""

    move: dict[str, str] = Field({}, description="from one place to another")
    set: dict[str, Any] = Field({}, description="a value to put in a place")
    remove: list[str] = Field([], description="places to empty")
    mapping: dict[str, Any] | None = Field(None, description="for rows of imports: read the cells again with it")
    dry_run: bool = False


class StillHeld(BaseModel):
    """A call that still cannot be taken."""

    quarantine_id: UUID
    reason: str
    pointer: str
    detail: str


class ReplayAnswer(BaseModel):
    """What became of the calls; those not named were not held."""

    outcomes: dict[UUID, str]
    still_held: list[StillHeld]

    @classmethod
    def of(cls, replayed: Replayed) -> "ReplayAnswer":
        """Return the answer for an outcome."""
        held = [
            StillHeld(quarantine_id=key, reason=why.reason, pointer=why.pointer, detail=why.detail)
            for key, why in replayed.still_held.items()
        ]
        return cls(outcomes=replayed.outcomes, still_held=held)


class Discarded(BaseModel):
    """How many were held and are discarded."""

    count: int


@router.get("")
async def list_quarantine(
    caller: Reader,
    tx: Transaction,
    runtime: RuntimeOf,
    source_id: int | None = Query(None, ge=0, le=2**31 - 1),
    reason: Annotated[str | None, Query(max_length=100, pattern=STORABLE)] = None,
    status: Status | None = "held",
    import_id: UUID | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[HeldCall]:
    """List calls that could not be taken, newest first."""
    before = decode_cursor(cursor, tuple[UUID])
    rows = await quarantine.list_rows(
        tx,
        workspace_id=caller.workspace_id,
        limit=limit + 1,
        before=before[0] if before else None,
        source_id=source_id,
        reason=reason,
        status=status,
        import_id=import_id,
    )
    sealer = runtime.sealer(caller.workspace_id) if caller.may("personal:read") else None
    items = [_view(row, sealer.open(row.payload) if sealer else None) for row in rows[:limit]]
    return Page(items=items, next_cursor=encode_cursor(items[-1].quarantine_id) if len(rows) > limit else None)


def _view(row: QuarantineRow, clear: bytes | None) -> HeldCall:
    body: Any = None
    if clear is not None:
        decoded = decode_object(clear)
        body = clear.decode("utf-8", "replace") if isinstance(decoded, Refusal) else decoded
    named = {name: getattr(row, name) for name in HeldCall.model_fields if name != "body"}
    return HeldCall(body=body, **named)


@router.post("/replay")
async def replay(asked: RepairAsked, caller: Writer, tx: Transaction, runtime: RuntimeOf) -> ReplayAnswer:
    """Mend held calls and try them again; those that still cannot be taken stay held."""
    replayed = await replay_quarantine(
        tx,
        workspace_id=caller.workspace_id,
        ids=asked.ids,
        repair=_repair(asked),
        sealer=runtime.sealer(caller.workspace_id),
        now=runtime.now(caller.workspace_id),
        dry_run=asked.dry_run,
        plans=runtime.parts.plans,
    )
    tx.after_commit(lambda: runtime.wake("resolve_events"))
    return ReplayAnswer.of(replayed)


def _repair(asked: RepairAsked) -> Repair:
    repair = Repair(move=asked.move, set=asked.set, remove=tuple(asked.remove))
    wrong = [pointer for pointer in repair.pointers() if not is_pointer(pointer)]
    if wrong:
        raise Invalid(
            "a place is a JSON pointer such as /properties/total",
            errors=[FieldError(pointer="", detail=f"{pointer!r} is no JSON pointer") for pointer in wrong],
        )
    if asked.mapping is None:
        return repair
    try:
        mapping = msgspec.convert(asked.mapping, ImportMapping)
    except msgspec.ValidationError as error:
        raise Invalid.at("/mapping", str(error)) from error
    return msgspec.structs.replace(repair, mapping=mapping)


@router.post("/discard")
async def discard(choice: Choice, caller: Writer, tx: Transaction, runtime: RuntimeOf) -> Discarded:
    """Give held calls up; they stay in the totals as quarantined."""
    now = runtime.now(caller.workspace_id)
    return Discarded(count=await quarantine.settle(tx, caller.workspace_id, choice.ids, "discarded", now))
