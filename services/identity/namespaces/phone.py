"""Phone numbers of lines that can be a person's: E.164 of a valid, mobile-capable number."""

import re

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

from services.identity.domain.canonical import Spelling, is_filler, namespace_kind, tidy
from services.identity.domain.digests import hex_digest
from services.identity.domain.phone_numbers import BLOCKED_PHONES, spellings
from services.identity.domain.policy import InvalidValue, NamespacePolicy

_WRITTEN = re.compile(r"[ (\[]*\+?[0-9 ().\-/\[\]~\u2010-\u2015]+")
_MASK = re.compile("[*\u2022\u25cf\u00d7#?_]|x{2,}", re.IGNORECASE)
_MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


def canonical(value: str, region: str | None = None) -> Spelling:
    """Return E.164, or why the number is nobody's: masked, lettered, a service line, a known filler, not valid.

    A masked number parses to a possible one, and a lettered one dials, so both are refused before libphonenumber.
    """
    text = tidy(value)
    if isinstance(text, InvalidValue):
        return text
    text = text.removeprefix("tel:")
    if is_filler(text):
        return InvalidValue("filler")
    if _MASK.search(text):
        return InvalidValue("masked")
    if any(character.isalpha() for character in text):
        return InvalidValue("letters")
    if _WRITTEN.fullmatch(text) is None:
        return InvalidValue("not_a_phone")
    return _canonical_number("+" + text[2:] if region is None and text.startswith("00") else text, region)


def _canonical_number(text: str, region: str | None) -> Spelling:
    if not text.startswith("+") and region is None:
        return InvalidValue("no_region")
    try:
        number: PhoneNumber = parse(text, region)
    except NumberParseException:
        return InvalidValue("not_a_phone")
    if not is_valid_number(number):
        return InvalidValue("not_valid")
    if number_type(number) not in _MOBILE:
        return InvalidValue("not_mobile")
    e164: str = format_number(number, PhoneNumberFormat.E164)
    return InvalidValue("filler") if e164 in BLOCKED_PHONES else e164


def twins(e164: str) -> tuple[tuple[str, str], ...]:
    """Return the hashed identifiers (namespace, digest) under which others may know this number."""
    return tuple(
        (f"phone_{algorithm}", hex_digest(algorithm, spelling))
        for algorithm in ("md5", "sha256")
        for spelling in spellings(e164)
    )


namespace = namespace_kind(
    "phone",
    NamespacePolicy(priority=3, max_per_person=5, window_days=3 * 365, hub_threshold=3),
    canonical,
    twins=twins,
    hashed_as={"phone_md5", "phone_sha256"},
    aliases={"mobile", "phone_number", "phonenumber", "tel"},
)
