"""What several spellings of an address have in common, where a workspace declares that its domain ignores the rest."""

from services.identity.domain.canonical import namespace_kind
from services.identity.domain.email_addresses import address_canonical
from services.identity.domain.policy import NamespacePolicy
from services.identity.domain.respelling import EMAIL_ALIAS

namespace = namespace_kind(EMAIL_ALIAS, NamespacePolicy(priority=5), address_canonical)
