"""The kinds of text and JSON that requests may hold: bounded, and such that PostgreSQL can keep them."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field

from libs.common.errors import Invalid

TEXT = r"^[^\x00]*$"
MAX_DEPTH = 20
FIRST_YEAR, LAST_YEAR = 1970, 2200

Word = Annotated[str, Field(max_length=200, pattern=TEXT)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=TEXT)]
ChannelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Liquid = Annotated[str, Field(max_length=200_000, pattern=TEXT)]


def _keepable(value: str | float) -> None:
    if isinstance(value, str) and ("\0" in value or any("\ud800" <= character <= "\udfff" for character in value)):
        raise ValueError("a character that cannot be kept")
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise ValueError("a number that cannot be kept")


def _plain(value: Any, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError(f"deeper than {MAX_DEPTH} levels")
    inner = list(value) if isinstance(value, list) else []
    if isinstance(value, dict):
        inner = [*value, *value.values()]
    for item in inner:
        _plain(item, depth + 1)
    if isinstance(value, str | int):
        _keepable(value)
    return value


def _near(value: datetime) -> datetime:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"outside the years {FIRST_YEAR} to {LAST_YEAR}")
    return value.astimezone(UTC)


JsonObject = Annotated[dict[str, Any], Field(max_length=500), AfterValidator(_plain)]
Instant = Annotated[AwareDatetime, AfterValidator(_near)]


def kept_text(text: str) -> str:
    """Return a cursor's text; raises Invalid where it could not have come from us."""
    if "\0" in text:
        raise Invalid.at("query/cursor", "this is not a cursor of this list")
    return text
