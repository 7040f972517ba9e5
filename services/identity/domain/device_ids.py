"""What a device id of a named kind looks like; what is called a device id only may have any of these forms.

Every kind is written in lower case, as all device ids are: the same id comes under its own name from one SDK and as
`device_id` from another, and has to be the same identifier.
"""

import re

from services.identity.domain.canonical import Spelling, is_filler, tidy
from services.identity.domain.check_digits import passes_luhn
from services.identity.domain.policy import InvalidValue

_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+(?:[:-][0-9A-Fa-f]+)*")
_UUID = re.compile(r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})")
_ANDROID_ID = re.compile(r"[0-9a-f]{16}")
BLOCKED_DEVICES = frozenset(
    {
        "9774d56d682e549c",  # the Android id of a whole generation of emulators and one faulty firmware
        "02:00:00:00:00:00",  # what the platforms answer in place of the hardware address
        "02-00-00-00-00-00", "020000000000", "00000000-0000-0000-0000-000000000001", "unknown", "012345678912345",
        "000000000000000", "123456789012345", "111111111111111", "0123456789abcdef", "1234567890abcdef",
    }
)  # fmt: skip


def device_canonical(value: str, _region: str | None = None) -> Spelling:
    """Return a device id of any kind; hexadecimal forms in lower case, others as they are."""
    text = tidy(value)
    if isinstance(text, InvalidValue):
        return text
    text = text.strip("{}").strip()
    if not text.strip("0-:"):
        return InvalidValue("zeros" if text else "blank")
    if _HEXADECIMAL.fullmatch(text):
        text = text.lower()
    if is_filler(text) or text.lower() in BLOCKED_DEVICES or len(set(text.replace("-", "").replace(":", ""))) == 1:
        return InvalidValue("filler")
    if "*" in text:
        return InvalidValue("masked")
    return text if 2 <= len(text) <= 128 and " " not in text else InvalidValue("not_a_device_id")


def uuid_canonical(value: str, _region: str | None = None) -> Spelling:
    """Return an advertising or vendor id (IDFA, IDFV, GAID) as a UUID with its dashes, which some SDKs leave out."""
    text = device_canonical(value)
    if isinstance(text, InvalidValue):
        return text
    match = _UUID.fullmatch(text)
    return device_canonical("-".join(match.groups())) if match else InvalidValue("not_a_uuid")


def oaid_canonical(value: str, _region: str | None = None) -> Spelling:
    """Return an OAID: hexadecimal, 16 to 64 digits, with dashes where its maker writes them."""
    text = device_canonical(value)
    if isinstance(text, InvalidValue):
        return text
    digits = text.replace("-", "")
    fits = 16 <= len(digits) <= 64 and _HEXADECIMAL.fullmatch(text) is not None and ":" not in text
    return text if fits else InvalidValue("not_an_oaid")


def android_id_canonical(value: str, _region: str | None = None) -> Spelling:
    """Return an Android id (SSAID): 16 hexadecimal digits."""
    text = device_canonical(value)
    if isinstance(text, InvalidValue):
        return text
    return text if _ANDROID_ID.fullmatch(text) else InvalidValue("not_an_android_id")


def imei_canonical(value: str, _region: str | None = None) -> Spelling:
    """Return an IMEI: 15 digits with a right check digit, without the dashes, spaces and slashes it is printed with."""
    text = tidy(value)
    if isinstance(text, InvalidValue):
        return text
    digits = device_canonical(re.sub(r"[ \-/]", "", text))
    if isinstance(digits, InvalidValue):
        return digits
    is_imei = digits.isascii() and digits.isdigit() and len(digits) == 15
    if not is_imei:
        return InvalidValue("not_an_imei")
    return digits if passes_luhn(digits) else InvalidValue("wrong_check_digit")
