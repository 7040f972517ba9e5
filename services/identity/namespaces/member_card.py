"""The number on a member card; a child of the member id."""

import re

from services.identity.domain.canonical import Spelling, is_filler, namespace_kind, tidy
from services.identity.domain.policy import InvalidValue, NamespacePolicy


def canonical(value: str, _region: str | None = None) -> Spelling:
    """Return the digits of a card number without the spaces and dashes it is printed with."""
    text = tidy(value)
    if isinstance(text, InvalidValue):
        return text
    if "*" in text:
        return InvalidValue("masked")
    digits = re.sub(r"[ \-]", "", text)
    if is_filler(digits) or len(set(digits)) == 1:
        return InvalidValue("filler")
    if not (digits.isascii() and digits.isdigit()) or not 4 <= len(digits) <= 32:
        return InvalidValue("not_a_card_number")
    return digits


namespace = namespace_kind(
    "member_card",
    NamespacePolicy(priority=2, max_per_person=3, parent="member_id"),
    canonical,
    aliases={"card_no", "card_number", "membercard"},
    declarable={"luhn", "prefixes"},
)
