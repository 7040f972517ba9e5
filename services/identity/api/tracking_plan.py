"""Which events a workspace expects, and what departs from that."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from libs.common.errors import Invalid
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from services.identity.api.query import STORABLE, storable
from services.identity.domain.tracking_plan import Mode, TrackingPlan, ValueType
from services.identity.store import tracking_plans

router = APIRouter(prefix="/v1/identity/tracking-plan", tags=["collection"])

Reader = Annotated[Caller, Depends(requires("events:read"))]
Writer = Annotated[Caller, Depends(requires("sources:write"))]
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=STORABLE)]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Told = Annotated[str, Field(max_length=500, pattern=STORABLE)]


class ValueFields(BaseModel):
    """What a property is; a null counts as missing. Without `on_violation` the event's own holds."""

    model_config = ConfigDict(extra="forbid")

    type: ValueType | None = None
    required: bool = False
    values: list[Told | int | float | bool] | None = Field(None, max_length=1000)
    on_violation: Mode | None = None


class EventFields(BaseModel):
    """What an event carries, and what becomes of a call that carries something else."""

    model_config = ConfigDict(extra="forbid")

    on_violation: Mode = "warn"
    properties: dict[Name, ValueFields] = Field({}, max_length=500)
    unplanned_properties: Mode = "accept"


class PlanDocument(BaseModel):
    """Events by name (`$page`, `$identify` ... for calls that are no track); `traits` is for identify calls."""

    model_config = ConfigDict(extra="forbid")

    events: dict[Name, EventFields] = Field({}, max_length=2000)
    traits: EventFields | None = None
    unplanned_events: Mode = "accept"


class PlanView(PlanDocument):
    """The plan in force; version 0 plans nothing."""

    version: int


class PlanSet(BaseModel):
    """The version now in force."""

    version: int


class ViolationView(BaseModel):
    """How often a source's calls departed from the plan in one way."""

    event_name: str
    pointer: str
    reason: str
    source_id: int
    mode: Literal["warn", "quarantine"]
    seen: int
    first_seen: datetime
    last_seen: datetime


@router.get("")
async def read_plan(caller: Reader, tx: Transaction) -> PlanView:
    """The tracking plan in force."""
    version, plan = await tracking_plans.present(tx, caller.workspace_id)
    fields: dict[str, Any] = msgspec.to_builtins(plan)
    return PlanView(version=version, **fields)


@router.put("")
async def write_plan(body: PlanDocument, caller: Writer, tx: Transaction, runtime: RuntimeOf) -> PlanSet:
    """Put a tracking plan in force for what arrives from now on; held calls may be tried again under it."""
    try:
        plan = msgspec.convert(body.model_dump(), TrackingPlan)
    except msgspec.ValidationError as error:
        raise Invalid.at("", str(error)) from error
    version = await tracking_plans.add(tx, caller.workspace_id, plan, runtime.now(caller.workspace_id))
    return PlanSet(version=version)


@router.get("/violations")
async def list_violations(
    caller: Reader,
    tx: Transaction,
    event_name: Annotated[str | None, Query(max_length=255, pattern=STORABLE)] = None,
    limit: Limit = 500,
    cursor: Cursor = None,
) -> Page[ViolationView]:
    """List in which ways what arrived departed from the plan, by event and place."""
    after = decode_cursor(cursor, tuple[str, str, str, Number])
    for part in (after or ())[:3]:
        storable(str(part))
    rows = await tracking_plans.list_rows(
        tx, workspace_id=caller.workspace_id, event_name=event_name, after=after, limit=limit + 1
    )
    items = [ViolationView.model_validate(row, from_attributes=True) for row in rows[:limit]]
    last = items[-1] if len(rows) > limit else None
    more = encode_cursor(last.event_name, last.pointer, last.reason, last.source_id) if last else None
    return Page(items=items, next_cursor=more)
