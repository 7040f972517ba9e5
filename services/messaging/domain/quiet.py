"""Quiet hours in the person's zone: is this moment allowed, and if not, which is the next that is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.messaging.domain.policy import WEEKDAYS, Quiet

DAY_MINUTES = 24 * 60
_MAX_STEPS = 64


def _end_if_inside(rule: Quiet, at: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the quiet time that holds `at` ends, None outside; it belongs to the day on which it begins."""
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    over_midnight = rule.opens >= rule.closes
    began_today = minute >= rule.opens if over_midnight else rule.opens <= minute < rule.closes
    began_yesterday = over_midnight and minute < rule.closes
    for began, days_back in ((began_today, 0), (began_yesterday, 1)):
        if not began:
            continue
        day = (local.replace(tzinfo=None) - timedelta(days=days_back)).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        if rule.days and WEEKDAYS[day.weekday()] not in rule.days:
            continue
        end = day + timedelta(days=1 if over_midnight else 0, minutes=rule.closes)
        # A skipped clock time reads as that much later; of a time that comes twice, the first that still lies ahead.
        first = end.replace(tzinfo=zone).astimezone(UTC)
        second = end.replace(tzinfo=zone, fold=1).astimezone(UTC)
        return first if first > at else max(second, at + timedelta(minutes=1))
    return None


def blocking(rules: tuple[Quiet, ...], channel: str, at: datetime, zone: ZoneInfo) -> Quiet | None:
    """Return the rule that forbids this channel at this moment; one that drops wins."""
    hit = [r for r in rules if (not r.channels or channel in r.channels) and _end_if_inside(r, at, zone) is not None]
    return min(hit, key=lambda rule: rule.then != "drop", default=None)


def next_allowed(rules: tuple[Quiet, ...], channel: str, at: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the first moment from `at` on that no rule forbids; None when the rules leave none."""
    moment = at
    for _ in range(_MAX_STEPS):
        ends = [
            end
            for rule in rules
            if (not rule.channels or channel in rule.channels)
            and (end := _end_if_inside(rule, moment, zone)) is not None
        ]
        if not ends:
            return moment
        moment = max(ends)
    return None
