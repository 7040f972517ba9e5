"""Counts of the columnar store against the record."""

from datetime import UTC, datetime
from typing import Any

from services.segment.domain.binding import Binder
from services.segment.domain.moved import Moved
from services.segment.store.columnar import Columnar
from services.segment.store.scans import not_counted

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2299, 1, 1, tzinfo=UTC)


async def counts_by_day(
    columnar: Columnar, workspace_id: int, *, start: datetime | None, end: datetime | None, moved: Moved | None = None
) -> list[dict[str, Any]]:
    """Return (day, origin, events, distinct_events) of what was received in [start, end)."""
    bind = Binder()
    first = max(_FIRST, _aware(start)) if start else _FIRST
    last = min(_LAST, _aware(end)) if end else _LAST
    uncounted = not_counted(bind, workspace_id, moved)
    sql = (
        "select toDate(received_at) as day, toString(origin) as origin, count() as events,"
        " uniqExact(event_id) as distinct_events from event"
        f" where workspace_id = {bind.whole(workspace_id)}"
        f" and received_at >= {bind.time(first)} and received_at < {bind.time(last)}"
        f"{f' and not {uncounted}' if uncounted else ''}"
        " group by day, origin order by day, origin"
    )
    return await columnar.rows(sql, bind.parameters)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
