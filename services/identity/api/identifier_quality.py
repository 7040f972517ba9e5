"""How good the identifiers are that sources send."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from services.identity.api.query import EARLIEST, LATEST
from services.identity.domain.identifier_quality import judge, threshold_of
from services.identity.store import identifier_counters
from services.identity.store.identifier_counters import Seen

router = APIRouter(prefix="/v1/identity", tags=["collection"])

Reader = Annotated[Caller, Depends(requires("sources:read"))]
Day = Annotated[date | None, Query(ge=EARLIEST, le=LATEST)]


class Reason(BaseModel):
    """How many identifiers of a namespace named nobody for one reason."""

    namespace: str
    reason: str
    seen: int


class SourceQuality(BaseModel):
    """The identifiers of a source; `alert` when more of them name nobody than its threshold allows."""

    source_id: int
    valid: int
    invalid: int
    invalid_percent: float
    threshold_percent: float = Field(description="the source's setting invalid_identifier_alert_percent, or 20")
    alert: bool
    reasons: list[Reason]


class QualityView(BaseModel):
    """Sources by how much of what they send names nobody, the worst first."""

    since: date
    until: date
    items: list[SourceQuality]


@router.get("/identifier-quality")
async def identifier_quality(
    caller: Reader,
    tx: Transaction,
    runtime: RuntimeOf,
    since: Day = None,
    until: Day = None,
    source_id: int | None = Query(None, ge=0, le=2**31 - 1),
) -> QualityView:
    """Count the identifiers of each source and why they name nobody; yesterday and today unless told."""
    last = until or runtime.now(caller.workspace_id).date() + timedelta(days=1)
    first = since or last - timedelta(days=2)
    rows = defaultdict[int, list[Seen]](list)
    for row in await identifier_counters.read(tx, caller.workspace_id, first, last, source_id):
        rows[row.source_id].append(row)
    sources = {source.source_id: source for source in runtime.directory.sources(caller.workspace_id)}
    items = []
    for number, counted in rows.items():
        settings = sources[number].settings if number in sources else {}
        valid = sum(row.seen for row in counted if not row.reason)
        quality = judge(valid, sum(row.seen for row in counted) - valid, threshold_of(settings))
        reasons = [Reason(namespace=row.namespace, reason=row.reason, seen=row.seen) for row in counted if row.reason]
        fields = {name: getattr(quality, name) for name in quality.__struct_fields__}
        items.append(SourceQuality(source_id=number, reasons=reasons, **fields))
    items.sort(key=lambda item: (not item.alert, -item.invalid_percent, item.source_id))
    return QualityView(since=first, until=last, items=items)
