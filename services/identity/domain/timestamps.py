"""Times as SDKs and exports write them."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LATEST_SECONDS = 253_402_300_799.0
_MILLISECONDS_FROM = 1e11
"""A larger number counts milliseconds: as seconds it would lie beyond the year 5138."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_time(value: object) -> datetime | None:
    """Return an instant in UTC: ISO 8601 (no zone: UTC), RFC 2822, or seconds or milliseconds since 1970; else None."""
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return _from_number(value)


def _from_text(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        if text.replace(".", "", 1).isdecimal() and text.isascii() and len(text) < 20:
            return _from_number(float(text))
        return _from_mail_date(text)
    return _in_range(moment)


def _from_mail_date(text: str) -> datetime | None:
    if not text[:1].isalpha() or len(text) > 64:
        return None
    try:
        return _in_range(parsedate_to_datetime(text))
    except (ValueError, TypeError, OverflowError):
        return None


def _from_number(value: float) -> datetime | None:
    # Compared before it is divided: an integer of JSON may have more digits than a float can hold.
    if not 0 <= value <= _LATEST_SECONDS * 1000:
        return None
    seconds = value / 1000 if value > _MILLISECONDS_FROM else value
    return datetime.fromtimestamp(seconds, UTC)


def _in_range(moment: datetime) -> datetime | None:
    try:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None
    return moment if moment >= _EPOCH else None
