"""Device ids: IDFA, IDFV, OAID, GAID, Android id, IMEI."""

from services.identity.domain.canonical import namespace_kind
from services.identity.domain.device_ids import (
    android_id_canonical,
    device_canonical,
    imei_canonical,
    oaid_canonical,
    uuid_canonical,
)
from services.identity.domain.policy import NamespacePolicy

namespace = namespace_kind(
    "device",
    NamespacePolicy(priority=6, max_per_person=10, window_days=730, hub_threshold=3, ttl_days=670, bridges=False),
    device_canonical,
    # Segment's `ios.id` and `android.id` are whatever its SDK found.
    aliases={"device_id", "deviceid", "ios.id", "android.id"},
    named={
        "idfa": uuid_canonical,
        "idfv": uuid_canonical,
        "gaid": uuid_canonical,
        "ios.idfa": uuid_canonical,
        "android.idfa": uuid_canonical,
        "oaid": oaid_canonical,
        "android_id": android_id_canonical,
        "imei": imei_canonical,
    },
)
