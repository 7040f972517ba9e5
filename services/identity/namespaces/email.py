"""E-mail addresses: NFKC, lower case, the domain in its ASCII (IDNA) form; dots and plus signs stay.

For the domains that a workspace declares, what differs in these alone has one alias (`email_alias`).
"""

from services.identity.domain.canonical import namespace_kind
from services.identity.domain.digests import hex_digest
from services.identity.domain.email_addresses import address_canonical
from services.identity.domain.policy import NamespacePolicy


def twins(address: str) -> tuple[tuple[str, str], ...]:
    """Return the hashed identifiers (namespace, digest) under which others may know this address."""
    return (("email_sha256", hex_digest("sha256", address)),)


namespace = namespace_kind(
    "email",
    NamespacePolicy(priority=4, max_per_person=5, window_days=365, hub_threshold=3),
    address_canonical,
    twins=twins,
    hashed_as={"email_sha256"},
    declarable={"folding"},
    aliases={"mail", "email_address", "emailaddress"},
)
