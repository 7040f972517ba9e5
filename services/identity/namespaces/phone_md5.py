"""MD5 of a phone number, as advertising platforms exchange it."""

from services.identity.domain.canonical import Namespace
from services.identity.domain.digests import digest_canonical
from services.identity.domain.phone_numbers import BLOCKED_PHONES, spellings

_fillers = tuple(spelling for number in sorted(BLOCKED_PHONES) for spelling in spellings(number))

namespace = Namespace(
    name="phone_md5", canonical=digest_canonical("md5", _fillers), aliases=frozenset({"mobile_md5", "phonemd5"})
)
