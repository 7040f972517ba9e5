"""What a source sent last and what became of it; how much was posted in all."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from libs.common.errors import NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.personal import Sealer, split_personal
from services.identity.api.query import EARLIEST, LATEST
from services.identity.domain.calls import Refusal, decode_object
from services.identity.store import source_counters, turned_away
from services.identity.store.source_counters import OUTCOMES
from services.identity.store.turned_away import Sighting

router = APIRouter(prefix="/v1/identity", tags=["collection"])

Reader = Annotated[Caller, Depends(requires("sources:read"))]
Day = Annotated[date | None, Query(ge=EARLIEST, le=LATEST)]


class Seen(BaseModel):
    """A call of a source; without the right to read personal data `body` holds its plain part."""

    id: UUID
    received_at: datetime
    outcome: Literal["accepted", "duplicate", "conflict", "quarantined", "refused"]
    kind: str | None
    name: str | None
    message_id: str | None
    reason: str | None
    pointer: str | None
    body: Any = None


class Debugger(BaseModel):
    """The last calls of a source, newest first."""

    items: list[Seen]


class SourceDay(BaseModel):
    """What became of the calls of a source on a day: posted is the sum of the five outcomes."""

    source_id: int
    day: date
    posted: int
    accepted: int
    duplicate: int
    conflict: int
    quarantined: int
    refused: int
    replayed: int


class Usage(BaseModel):
    """The workspace's counters, and whether they add up."""

    since: date
    until: date
    totals: dict[str, int]
    reconciled: bool
    days: list[SourceDay]


@router.get("/sources/{source_id}/debugger")
async def debug_source(
    source_id: int, caller: Reader, tx: Transaction, runtime: RuntimeOf, limit: int = Query(100, ge=1, le=1000)
) -> Debugger:
    """Show a source's last calls: accepted, duplicate, conflict, quarantined or refused, and why."""
    source = runtime.directory.source(source_id)
    if source is None or source.workspace_id != caller.workspace_id:
        raise NotFound("there is no such source")
    sightings = await turned_away.debug_source(tx, caller.workspace_id, source_id, limit)
    sealer = runtime.sealer(caller.workspace_id)
    names = None if caller.may("personal:read") else runtime.personal_names(caller.workspace_id)
    return Debugger(items=[_seen(each, sealer, names) for each in sightings])


def _seen(sighting: Sighting, sealer: Sealer, names: Mapping[str, bool] | None) -> Seen:
    """Return what is shown; `names` (None: everything may be read) is the workspace's word on what is personal."""
    named = {name: getattr(sighting, name) for name in Seen.model_fields if name != "body"}
    if sighting.payload is None:
        return Seen(**named)
    body = decode_object(sealer.open(sighting.payload))
    if isinstance(body, Refusal):
        return Seen(**named)
    return Seen(body=body if names is None else split_personal(body, "trait", names)[0], **named)


@router.get("/usage")
async def usage(caller: Reader, tx: Transaction, runtime: RuntimeOf, since: Day = None, until: Day = None) -> Usage:
    """Count what was posted and what became of it, by source and day; the last 31 days unless told."""
    today = runtime.now(caller.workspace_id).date()
    last = until or today + timedelta(days=1)
    first = since or last - timedelta(days=31)
    rows = await source_counters.read_counts(tx, caller.workspace_id, first, last)
    totals = {name: sum(getattr(row, name) for row in rows) for name in OUTCOMES}
    outcomes = sum(totals[name] for name in ("accepted", "duplicate", "conflict", "quarantined", "refused"))
    days = [SourceDay.model_validate(row, from_attributes=True) for row in rows]
    return Usage(since=first, until=last, totals=totals, reconciled=totals["posted"] == outcomes, days=days)
