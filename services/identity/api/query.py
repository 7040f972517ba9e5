"""What a query may hold so that the database can compare it."""

from datetime import UTC, date, datetime

from libs.common.errors import Invalid

STORABLE = r"^[^\x00]*$"
"""Text without NUL, which PostgreSQL has no room for."""
EARLIEST, LATEST = date(1970, 1, 1), date(9000, 1, 1)


def storable(text: str) -> str:
    """Return the text; raises Invalid for a forged cursor with a NUL in it."""
    if "\0" in text:
        raise Invalid.at("query/cursor", "this is not a cursor of this list")
    return text


def aware(moment: datetime) -> datetime:
    """Return an instant with its zone; a forged cursor may have none."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
