"""How a caller names a person by an identifier."""

import unicodedata

import msgspec

from services.profile.domain.contact import canonical_address

_ISSUED = frozenset({"user_id", "member_id", "crm_id"})
DEFAULT_ISSUER = "main"


class Identifier(msgspec.Struct, frozen=True):
    """A namespace, its scope (app id, issuer; empty where the namespace has none) and a value in clear."""

    namespace: str
    value: str
    scope: str | None = None

    @property
    def full_scope(self) -> str:
        """Return the scope, by default the main issuer for ids that are issued."""
        if self.scope is not None:
            return self.scope
        return DEFAULT_ISSUER if self.namespace in _ISSUED else ""


def canonical_value(identifier: Identifier) -> str:
    """Return the value as identity spells it: e-mail in lower case, a phone in E.164 as digits with `+`."""
    text = unicodedata.normalize("NFKC", identifier.value).strip()
    if identifier.namespace in ("email", "phone"):
        return canonical_address("email" if identifier.namespace == "email" else "phone", text) or text
    return text
