"""What a workspace declared of the values of a namespace, beside the form that every workspace's have."""

from services.identity.domain.canonical import Spelling, tidy
from services.identity.domain.check_digits import passes_luhn
from services.identity.domain.policy import InvalidValue, NamespacePolicy


def declared_spelling(canonical: str, scope: str, policy: NamespacePolicy) -> Spelling:
    """Return a canonical value of an issuer as the policy has it, or why it is nobody's here."""
    ignores_case = bool(policy.case_rules) and policy.ignores_case(scope)
    value = in_lower_case(canonical) if ignores_case else canonical
    if policy.blocked and value in policy.blocked_as(in_lower_case if ignores_case else str):
        return InvalidValue("blocked")
    if policy.prefixes and not value.startswith(policy.prefixes):
        return InvalidValue("not_our_prefix")
    if policy.luhn and not passes_luhn(value):
        return InvalidValue("wrong_check_digit")
    return value


def in_lower_case(canonical: str) -> str:
    """Return a canonical value in lower case, in NFKC still."""
    value = canonical
    # A letter may take a mark along when it is made small, and compose with it.
    while isinstance(lower := tidy(value.lower()), str) and lower != value:
        value = lower
    return value
