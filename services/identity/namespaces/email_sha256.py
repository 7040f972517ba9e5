"""SHA-256 of an e-mail address, as advertising platforms exchange it."""

from services.identity.domain.canonical import Namespace
from services.identity.domain.digests import digest_canonical
from services.identity.domain.email_addresses import BLOCKED_EMAILS

namespace = Namespace(
    name="email_sha256",
    canonical=digest_canonical("sha256", tuple(sorted(BLOCKED_EMAILS))),
    aliases=frozenset({"emailsha256"}),
)
