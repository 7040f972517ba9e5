"""By which calendar the members of each workspace were answered."""

from libs.common.db import Tx, statement
from services.segment.domain.moment import Calendar

_KEEP = statement(
    """
    update segment.round set time_zone = :time_zone, week_start = :week_start where workspace_id = :workspace_id
    """
)
_LOAD = statement("select time_zone, week_start from segment.round where workspace_id = :workspace_id")


async def keep(tx: Tx, workspace_id: int, calendar: Calendar) -> None:
    """Note by which calendar members are answered from now on."""
    await tx.execute(_KEEP, workspace_id=workspace_id, time_zone=calendar.zone, week_start=calendar.week_start)


async def load(tx: Tx, workspace_id: int) -> Calendar | None:
    """Return by which calendar members were answered last; None when that was not noted yet."""
    row = await tx.fetch_one(_LOAD, workspace_id=workspace_id)
    return Calendar(row["time_zone"], row["week_start"]) if row and row["time_zone"] is not None else None
