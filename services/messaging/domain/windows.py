"""Where the window of a cap begins and ends, in the person's zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.messaging.domain.policy import WEEKDAYS, Calendar, Rolling


def _midnight(day: datetime, zone: ZoneInfo) -> datetime:
    # fold=0: where midnight comes twice the first begins the day; where it is skipped, UTC arithmetic shifts it on.
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    return local.astimezone(UTC)


def window_start(window: Rolling | Calendar, at: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant of the window that holds `at`; for a rolling one it is itself excluded."""
    if isinstance(window, Rolling):
        return at - window.duration
    local = at.astimezone(zone)
    if window.unit == "month":
        return _midnight(local.replace(day=1), zone)
    back = 0
    if window.unit == "week":
        back = (local.weekday() - WEEKDAYS.index(window.week_starts)) % 7
    return _midnight(local.replace(tzinfo=None) - timedelta(days=back), zone)


def window_end(window: Calendar, at: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant after the calendar window that holds `at`."""
    begun = window_start(window, at, zone).astimezone(zone).replace(tzinfo=None)
    # A start shifted out of a gap stands after midnight: noon of the same day is safely inside it.
    noon = begun.replace(hour=12, minute=0, second=0, microsecond=0)
    if window.unit == "month":
        first = (noon.replace(day=1) + timedelta(days=32)).replace(day=1)
        return _midnight(first, zone)
    return _midnight(noon + timedelta(days=7 if window.unit == "week" else 1), zone)


def is_inside(window: Rolling | Calendar, sent: datetime, at: datetime, zone: ZoneInfo) -> bool:
    """Return whether something sent counts in the window that holds `at`."""
    start = window_start(window, at, zone)
    # Later than `at` counts too: another worker's clock may run ahead, and the sum must hold for both.
    return sent > start if isinstance(window, Rolling) else sent >= start
