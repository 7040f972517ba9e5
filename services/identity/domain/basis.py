"""The ground on which evidence links: fixed once, when it is taken in, whatever the policies say later."""

import msgspec

from services.identity.domain.evidence import DECIDED, Evidence
from services.identity.domain.links import DECISIONS, POSITIVE
from services.identity.domain.policy import PolicySet

_GROUNDED = POSITIVE - DECISIONS
"""Kinds that speak for a link and are nobody's decision."""


def with_basis(evidence: Evidence, policies: PolicySet) -> Evidence:
    """Return evidence with the purpose it is taken for: its own word, or that of its weakest identifier's namespace.

    A decision of a person or an issuer stands on a ground of its own, and what speaks against a link needs none.
    """
    stated = evidence.consent_basis is not None or len(evidence.identifiers) < 2
    if stated or evidence.kind not in _GROUNDED or evidence.tier <= DECIDED:
        return evidence
    weakest: tuple[int, str] | None = None
    for one in evidence.identifiers:
        policy = policies.of(one.namespace)
        if policy.consent_purpose is not None:
            found = -policy.priority, policy.consent_purpose
            weakest = found if weakest is None else min(weakest, found)
    return msgspec.structs.replace(evidence, consent_basis=weakest[1]) if weakest is not None else evidence
