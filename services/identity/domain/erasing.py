"""What remains of evidence when identifiers are erased: a function of the evidence, whenever it comes."""

from collections.abc import Collection

import msgspec

from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.links import DECISIONS, contradictory, subject
from services.identity.domain.policy import PolicySet
from services.identity.domain.twins import TWIN_SOURCE


def without(evidence: Evidence, erased: Collection[Identifier], policies: PolicySet) -> Evidence | None:
    """Return the evidence as if the erased identifiers had never been valid, None when it was about them.

    What is filed under an erased identifier goes with it; where another one stands above it, only the erased one
    falls out, and with one side of a contradiction the other, which it linked to nothing either. A decision goes when
    fewer than two are left to decide about, what follows from the values of two when one of them is gone, and a
    supersede with its successor.
    """
    if not any(one in erased for one in evidence.identifiers):
        return evidence
    refused = contradictory(evidence, policies)
    out = frozenset() if refused.isdisjoint(erased) else refused
    left = tuple(one for one in evidence.identifiers if one not in erased and one not in out)
    fewest = 2 if evidence.kind in DECISIONS or evidence.source_id == TWIN_SOURCE else 1
    if _middle_is_gone(evidence, erased, policies) or len(left) < fewest:
        return None
    return msgspec.structs.replace(evidence, identifiers=left)


def _middle_is_gone(evidence: Evidence, erased: Collection[Identifier], policies: PolicySet) -> bool:
    if evidence.kind == "cannot_link":  # each apart from each: it has none
        return False
    if evidence.kind == "supersede":
        return evidence.identifiers[-1] in erased
    return subject(evidence, policies) in erased


SERVICES = ("identity", "profile", "segment", "journey", "messaging")
"""Whose receipts make an erasure complete."""
