"""When a night's work is due."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

HOUR = 3


def last_night(now: datetime, zone: str) -> datetime:
    """Return the latest instant, not after now, at which it was three in the morning in a zone."""
    local = now.astimezone(ZoneInfo(zone))
    tonight = datetime.combine(local.date(), time(HOUR), ZoneInfo(zone))
    if tonight > local:
        tonight = datetime.combine(local.date() - timedelta(days=1), time(HOUR), ZoneInfo(zone))
    return tonight.astimezone(UTC)
