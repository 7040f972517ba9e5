"""SHA-256 of a phone number, as advertising platforms exchange it."""

from services.identity.domain.canonical import namespace_kind
from services.identity.domain.digests import digest_canonical
from services.identity.domain.phone_numbers import BLOCKED_PHONES, spellings
from services.identity.domain.policy import NamespacePolicy

_fillers = tuple(spelling for number in sorted(BLOCKED_PHONES) for spelling in spellings(number))

namespace = namespace_kind(
    "phone_sha256",
    NamespacePolicy(priority=5, max_per_person=10, hub_threshold=3),
    digest_canonical("sha256", _fillers),
    aliases={"mobile_sha256", "phonesha256"},
)
