"""Ids of visitors and visits, made by the browser or the program itself."""

import re

from services.identity.domain.canonical import Spelling, is_filler, tidy
from services.identity.domain.policy import InvalidValue

LONGEST_VISITOR = 128
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def visitor_canonical(value: str, _region: str | None = None) -> Spelling:
    """Return a visitor id; a UUID in lower case, anything else as it is, up to 128 characters."""
    text = tidy(value)
    if isinstance(text, InvalidValue):
        return text
    if is_filler(text):
        return InvalidValue("zeros" if not text.strip("0-") else "filler")
    if len(text) > LONGEST_VISITOR:
        return InvalidValue("too_long")
    return text.lower() if _UUID.fullmatch(text) else text
