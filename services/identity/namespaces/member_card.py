"""The number on a member card; a child of the member id."""

import re

from services.identity.domain.canonical import Canonical, Namespace, NotAnIdentifier, is_filler, tidy


def canonical(value: str, _region: str | None = None) -> Canonical:
    """Return the digits of a card number without the spaces and dashes it is printed with."""
    text = tidy(value)
    if isinstance(text, NotAnIdentifier):
        return text
    if "*" in text:
        return NotAnIdentifier("masked")
    digits = re.sub(r"[ \-]", "", text)
    if is_filler(digits) or len(set(digits)) == 1:
        return NotAnIdentifier("filler")
    if not (digits.isascii() and digits.isdigit()) or not 4 <= len(digits) <= 32:
        return NotAnIdentifier("not_a_card_number")
    return digits


namespace = Namespace(
    name="member_card", canonical=canonical, aliases=frozenset({"card_no", "card_number", "membercard"})
)
