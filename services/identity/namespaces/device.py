"""Device ids: IDFA, IDFV, OAID, GAID, Android id, IMEI."""

import re

from services.identity.domain.canonical import Canonical, Namespace, NotAnIdentifier, is_filler, tidy

_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+(?:[:-][0-9A-Fa-f]+)*")
BLOCKED = frozenset(
    {
        "9774d56d682e549c",  # the Android id of a whole generation of emulators and one faulty firmware
        "02:00:00:00:00:00",  # what the platforms answer in place of the hardware address
        "02-00-00-00-00-00", "020000000000", "00000000-0000-0000-0000-000000000001", "unknown", "012345678912345",
        "000000000000000", "123456789012345", "111111111111111", "0123456789abcdef", "1234567890abcdef",
    }
)  # fmt: skip


def canonical(value: str, _region: str | None = None) -> Canonical:
    """Return a device id; hexadecimal forms in lower case, others as they are."""
    text = tidy(value)
    if isinstance(text, NotAnIdentifier):
        return text
    text = text.strip("{}").strip()
    if not text.strip("0-:"):
        return NotAnIdentifier("zeros" if text else "blank")
    if _HEXADECIMAL.fullmatch(text):
        text = text.lower()
    if is_filler(text) or text.lower() in BLOCKED or len(set(text.replace("-", "").replace(":", ""))) == 1:
        return NotAnIdentifier("filler")
    if "*" in text:
        return NotAnIdentifier("masked")
    return text if 5 <= len(text) <= 128 and " " not in text else NotAnIdentifier("not_a_device_id")


namespace = Namespace(
    name="device",
    canonical=canonical,
    aliases=frozenset(
        {
            "device_id", "deviceid", "idfa", "idfv", "oaid", "gaid", "android_id", "imei", "ios.id", "ios.idfa",
            "android.id", "android.idfa",
        }
    ),
)  # fmt: skip
