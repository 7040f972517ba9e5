"""Ids of visitors and visits, made by the browser or the program itself."""

import re

from services.identity.domain.canonical import Canonical, NotAnIdentifier, is_filler, tidy

LONGEST_VISITOR = 128
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def visitor_canonical(value: str, _region: str | None = None) -> Canonical:
    """Return a visitor id; a UUID in lower case, anything else as it is, up to 128 characters."""
    text = tidy(value)
    if isinstance(text, NotAnIdentifier):
        return text
    if is_filler(text):
        return NotAnIdentifier("zeros" if not text.strip("0-") else "filler")
    if len(text) > LONGEST_VISITOR:
        return NotAnIdentifier("too_long")
    return text.lower() if _UUID.fullmatch(text) else text
