"""The clock on a zone's wall, read so that it only goes forward."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

TICK = timedelta(microseconds=1)


def wall_at(instant: datetime, zone: str) -> datetime:
    """Return what the wall shows (without a zone); in an hour that is shown twice, the second time that hour's end."""
    shown = instant.astimezone(ZoneInfo(zone))
    if shown.fold:
        first, again = _offset(shown, 0), _offset(shown, 1)
        turn = _turn(instant - (first - again), instant, zone)
        return turn.astimezone(UTC).replace(tzinfo=None) + first
    return shown.replace(tzinfo=None)


def instant_of(wall: datetime, zone: str) -> datetime:
    """Return the first instant at which the wall shows this or later: the end of the gap for what is never shown."""
    local = wall.replace(tzinfo=ZoneInfo(zone), fold=0)
    before, after = _offset(local, 0), _offset(local, 1)
    utc = wall.replace(tzinfo=UTC)
    return _turn(utc - after, utc - before, zone) if before < after else utc - before


def _offset(local: datetime, fold: int) -> timedelta:
    return local.replace(fold=fold).utcoffset() or timedelta()


def _turn(low: datetime, high: datetime, zone: str) -> datetime:
    """Return the first instant after `low`, and up to `high`, at which the zone's clock is set otherwise than at it."""
    there = ZoneInfo(zone)
    offset = low.astimezone(there).utcoffset()
    while high - low > TICK:
        middle = low + (high - low) // 2
        if middle.astimezone(there).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high
