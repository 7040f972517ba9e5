"""Recurrence rules of RFC 5545, as far as they can be answered quickly."""

from datetime import datetime, timedelta

from dateutil.rrule import rrule, rrulestr

FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")
_LONGEST_GAP = timedelta(days=366 * 12)
"""29 February may be eight years away; a rule that is silent for longer would be searched until the year 9999."""


def read_rule(text: str, start: datetime) -> rrule:
    """Return a checked rule over local times."""
    rule = rrulestr(text, dtstart=start, ignoretz=True)
    if not isinstance(rule, rrule):
        raise TypeError("one rule at a time")
    return rule


def check_rule(text: str, start: datetime) -> None:
    """Raise ValueError for what is no rule, fires more than daily, or never."""
    parts = text.upper().removeprefix("RRULE:").split(";")
    frequency = next((part.removeprefix("FREQ=") for part in parts if part.startswith("FREQ=")), "")
    if frequency not in FREQUENCIES:
        raise ValueError("the frequency is one of " + ", ".join(FREQUENCIES))
    if not 1970 <= start.year <= 2200:
        raise ValueError("a recurrence starts between 1970 and 2200")
    unbounded = ";".join(part for part in parts if not part.startswith(("COUNT=", "UNTIL=")))
    try:
        read_rule(text, start)
        first = next(iter(read_rule(unbounded, start).replace(until=start + _LONGEST_GAP)), None)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ValueError(f"this is not a recurrence rule: {error}") from error
    if first is None:
        raise ValueError("this rule never fires")
