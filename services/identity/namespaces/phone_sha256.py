"""SHA-256 of a phone number, as advertising platforms exchange it."""

from services.identity.domain.canonical import Namespace
from services.identity.domain.digests import digest_canonical
from services.identity.domain.phone_numbers import BLOCKED_PHONES, spellings

_fillers = tuple(spelling for number in sorted(BLOCKED_PHONES) for spelling in spellings(number))

namespace = Namespace(
    name="phone_sha256",
    canonical=digest_canonical("sha256", _fillers),
    aliases=frozenset({"mobile_sha256", "phonesha256"}),
)
