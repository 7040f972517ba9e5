"""Ids that an issuer gives its accounts."""

from services.identity.domain.canonical import Canonical, NotAnIdentifier, is_filler, tidy

LONGEST_ACCOUNT = 255


def account_canonical(value: str, _region: str | None = None) -> Canonical:
    """Return an account id in NFKC without outer space, its case and leading zeros kept."""
    text = tidy(value)
    if isinstance(text, NotAnIdentifier):
        return text
    if is_filler(text):
        return NotAnIdentifier("filler")
    return text if len(text) <= LONGEST_ACCOUNT else NotAnIdentifier("too_long")
