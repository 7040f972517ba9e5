"""What a workspace declared of the values of a namespace, beside the form that every workspace's have."""

from services.identity.domain.canonical import Spelling
from services.identity.domain.check_digits import passes_luhn
from services.identity.domain.policy import InvalidValue, NamespacePolicy


def declared_spelling(canonical: str, policy: NamespacePolicy) -> Spelling:
    """Return a canonical value as the policy has it, or why it is nobody's here."""
    if canonical in policy.blocked:
        return InvalidValue("blocked")
    if policy.prefixes and not canonical.startswith(policy.prefixes):
        return InvalidValue("not_our_prefix")
    if policy.luhn and not passes_luhn(canonical):
        return InvalidValue("wrong_check_digit")
    return canonical
