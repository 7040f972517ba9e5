"""Device ids: IDFA, IDFV, OAID, GAID, Android id, IMEI."""

import re

from services.identity.domain.canonical import Spelling, is_filler, namespace_kind, tidy
from services.identity.domain.policy import InvalidValue, NamespacePolicy

_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+(?:[:-][0-9A-Fa-f]+)*")
BLOCKED = frozenset(
    {
        "9774d56d682e549c",  # the Android id of a whole generation of emulators and one faulty firmware
        "02:00:00:00:00:00",  # what the platforms answer in place of the hardware address
        "02-00-00-00-00-00", "020000000000", "00000000-0000-0000-0000-000000000001", "unknown", "012345678912345",
        "000000000000000", "123456789012345", "111111111111111", "0123456789abcdef", "1234567890abcdef",
    }
)  # fmt: skip


def canonical(value: str, _region: str | None = None) -> Spelling:
    """Return a device id; hexadecimal forms in lower case, others as they are."""
    text = tidy(value)
    if isinstance(text, InvalidValue):
        return text
    text = text.strip("{}").strip()
    if not text.strip("0-:"):
        return InvalidValue("zeros" if text else "blank")
    if _HEXADECIMAL.fullmatch(text):
        text = text.lower()
    if is_filler(text) or text.lower() in BLOCKED or len(set(text.replace("-", "").replace(":", ""))) == 1:
        return InvalidValue("filler")
    if "*" in text:
        return InvalidValue("masked")
    return text if 2 <= len(text) <= 128 and " " not in text else InvalidValue("not_a_device_id")


namespace = namespace_kind(
    "device",
    NamespacePolicy(priority=6, max_per_person=10, window_days=730, hub_threshold=3, ttl_days=670, bridges=False),
    canonical,
    aliases={
        "device_id",
        "deviceid",
        "idfa",
        "idfv",
        "oaid",
        "gaid",
        "android_id",
        "imei",
        "ios.id",
        "ios.idfa",
        "android.id",
        "android.idfa",
    },
)
