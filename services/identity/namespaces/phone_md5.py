"""MD5 of a phone number, as advertising platforms exchange it."""

from services.identity.domain.canonical import namespace_kind
from services.identity.domain.digests import digest_canonical
from services.identity.domain.phone_numbers import BLOCKED_PHONES, spellings
from services.identity.domain.policy import NamespacePolicy

_fillers = tuple(spelling for number in sorted(BLOCKED_PHONES) for spelling in spellings(number))

namespace = namespace_kind(
    "phone_md5",
    NamespacePolicy(priority=5, max_per_person=10, hub_threshold=3),
    digest_canonical("md5", _fillers),
    aliases={"mobile_md5", "phonemd5"},
)
