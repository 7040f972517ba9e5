"""Ids that an issuer gives its accounts."""

from services.identity.domain.canonical import Spelling, is_filler, tidy
from services.identity.domain.policy import InvalidValue

LONGEST_ACCOUNT = 255


def account_canonical(value: str, _region: str | None = None) -> Spelling:
    """Return an account id in NFKC without outer space, its case and leading zeros kept."""
    text = tidy(value)
    if isinstance(text, InvalidValue):
        return text
    if is_filler(text):
        return InvalidValue("filler")
    return text if len(text) <= LONGEST_ACCOUNT else InvalidValue("too_long")
