"""JSON that people send and that has to be kept: what no database, encoder or reader can take is refused early."""

from typing import Annotated, Any

from pydantic import AfterValidator

MOST_DEPTH = 50
_MOST_INTEGER = 2**63


def why_unwritable(value: Any, depth: int = 0) -> str | None:
    """Return what is wrong with a JSON value; None when it can be kept."""
    if depth > MOST_DEPTH:
        return f"nested deeper than {MOST_DEPTH} levels"
    if isinstance(value, str):
        return _why_text(value)
    if isinstance(value, int):
        return None if -_MOST_INTEGER <= value < _MOST_INTEGER else "a whole number of more than 64 bits"
    if isinstance(value, float):
        return None if value - value == 0 else "not a number"
    inner: list[Any] = [*value.keys(), *value.values()] if isinstance(value, dict) else []
    inner = value if isinstance(value, list) else inner
    return next((why for item in inner if (why := why_unwritable(item, depth + 1)) is not None), None)


def _why_text(text: str) -> str | None:
    if "\0" in text:
        return "a text with a null character"
    return "a text with half a character" if any("\ud800" <= letter <= "\udfff" for letter in text) else None


def _writable(value: dict[str, Any]) -> dict[str, Any]:
    why = why_unwritable(value)
    if why is not None:
        raise ValueError(why)
    return value


JsonObject = Annotated[dict[str, Any], AfterValidator(_writable)]
"""A JSON object that can be kept."""
