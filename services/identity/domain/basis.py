"""The ground on which evidence links: fixed once, when it is taken in, whatever the policies say later."""

import msgspec

from services.identity.domain.evidence import DECIDED, Evidence
from services.identity.domain.links import DECISIONS, POSITIVE
from services.identity.domain.policy import PolicySet


def with_basis(evidence: Evidence, policies: PolicySet) -> Evidence:
    """Return evidence with the purpose it is taken for: its own word, or that of its weakest identifier's namespace.

    A decision of a person or an issuer stands on a ground of its own, and what speaks against a link needs none.
    """
    stated = evidence.consent_basis is not None or len(evidence.identifiers) < 2
    if stated or evidence.kind not in POSITIVE - DECISIONS or evidence.tier <= DECIDED:
        return evidence
    found = [
        (-policy.priority, policy.consent_purpose)
        for policy in (policies.of(one.namespace) for one in evidence.identifiers)
        if policy.consent_purpose is not None
    ]
    return msgspec.structs.replace(evidence, consent_basis=min(found)[1]) if found else evidence
