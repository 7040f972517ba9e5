"""Phone numbers of lines that can be a person's: E.164 of a valid, mobile-capable number."""

import re
from functools import lru_cache

from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    format_number,
    is_valid_number,
    number_type,
    parse,
)

from services.identity.domain.canonical import Canonical, Namespace, NotAnIdentifier, is_filler, tidy
from services.identity.domain.digests import hex_digest
from services.identity.domain.phone_numbers import BLOCKED_PHONES, spellings

_WRITTEN = re.compile(r"[ (\[]*\+?[0-9 ().\-/\[\]~\u2010-\u2015]+")
_MASK = re.compile("[*\u2022\u25cf\u00d7#?_]|x{2,}", re.IGNORECASE)
_MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


# A parse costs 19 us, and the same numbers come again and again.
@lru_cache(maxsize=65_536)
def canonical(value: str, region: str | None = None) -> Canonical:
    """Return E.164, or why the number is nobody's: masked, lettered, a service line, a known filler, not valid.

    A masked number parses to a possible one, and a lettered one dials, so both are refused before libphonenumber.
    """
    text = tidy(value)
    if isinstance(text, NotAnIdentifier):
        return text
    text = text.removeprefix("tel:")
    if is_filler(text):
        return NotAnIdentifier("filler")
    if _MASK.search(text):
        return NotAnIdentifier("masked")
    if any(character.isalpha() for character in text):
        return NotAnIdentifier("letters")
    if _WRITTEN.fullmatch(text) is None:
        return NotAnIdentifier("not_a_phone")
    return _canonical_number("+" + text[2:] if region is None and text.startswith("00") else text, region)


def _canonical_number(text: str, region: str | None) -> Canonical:
    if not text.startswith("+") and region is None:
        return NotAnIdentifier("no_region")
    try:
        number: PhoneNumber = parse(text, region)
    except NumberParseException:
        return NotAnIdentifier("not_a_phone")
    if not is_valid_number(number):
        return NotAnIdentifier("not_valid")
    if number_type(number) not in _MOBILE:
        return NotAnIdentifier("not_mobile")
    e164: str = format_number(number, PhoneNumberFormat.E164)
    return NotAnIdentifier("filler") if e164 in BLOCKED_PHONES else e164


def twins(e164: str) -> tuple[tuple[str, str], ...]:
    """Return the hashed identifiers (namespace, digest) under which others may know this number."""
    return tuple(
        (f"phone_{algorithm}", hex_digest(algorithm, spelling))
        for algorithm in ("md5", "sha256")
        for spelling in spellings(e164)
    )


namespace = Namespace(
    name="phone", canonical=canonical, twins=twins, aliases=frozenset({"mobile", "phone_number", "phonenumber", "tel"})
)
