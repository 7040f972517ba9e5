"""Ids of the buyers of shop platforms."""

from services.identity.domain.canonical import Canonical, NotAnIdentifier, is_filler, tidy


def shop_canonical(value: str, _region: str | None = None) -> Canonical:
    """Return a buyer id unchanged; a masked one (`w**g`) stands for many buyers and is refused."""
    text = tidy(value)
    if isinstance(text, NotAnIdentifier):
        return text
    if "*" in text:
        return NotAnIdentifier("masked")
    if is_filler(text):
        return NotAnIdentifier("filler")
    return text if len(text) <= 255 else NotAnIdentifier("too_long")
