"""SHA-256 of an e-mail address, as advertising platforms exchange it."""

from services.identity.domain.canonical import namespace_kind
from services.identity.domain.digests import digest_canonical
from services.identity.domain.email_addresses import BLOCKED_EMAILS
from services.identity.domain.policy import NamespacePolicy

namespace = namespace_kind(
    "email_sha256",
    NamespacePolicy(priority=5, max_per_person=10, hub_threshold=3),
    digest_canonical("sha256", tuple(sorted(BLOCKED_EMAILS))),
    aliases={"emailsha256"},
)
