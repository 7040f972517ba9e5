"""Ids of the buyers of shop platforms."""

from services.identity.domain.canonical import Spelling, is_filler, tidy
from services.identity.domain.policy import InvalidValue


def shop_canonical(value: str, _region: str | None = None) -> Spelling:
    """Return a buyer id unchanged; a masked one (`w**g`) stands for many buyers and is refused."""
    text = tidy(value)
    if isinstance(text, InvalidValue):
        return text
    if "*" in text:
        return InvalidValue("masked")
    if is_filler(text):
        return InvalidValue("filler")
    return text if len(text) <= 255 else InvalidValue("too_long")
