"""What remains of evidence when identifiers are erased: a function of the evidence, whenever it comes."""

from collections.abc import Collection

import msgspec

from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.links import DECISIONS, contradictory, subject
from services.identity.domain.policy import PolicySet


def without(evidence: Evidence, erased: Collection[Identifier], policies: PolicySet) -> Evidence | None:
    """Return the evidence as if the erased identifiers had never been valid, None when it was about them.

    What is filed under an erased identifier goes with it; where another one stands above it, only the erased one
    falls out. A decision goes when fewer than two are left to decide about, a supersede with its successor, a
    contradiction with either side of it.
    """
    left = tuple(one for one in evidence.identifiers if one not in erased)
    if len(left) == len(evidence.identifiers):
        return evidence
    if evidence.kind == "supersede" and evidence.identifiers[-1] in erased:
        return None
    if evidence.kind in DECISIONS:
        return msgspec.structs.replace(evidence, identifiers=left) if len(left) > 1 else None
    if subject(evidence, policies) in erased or not contradictory(evidence, policies).isdisjoint(erased):
        return None
    return msgspec.structs.replace(evidence, identifiers=left)


SERVICES = ("identity", "profile", "segment", "journey", "messaging")
"""Whose receipts make an erasure complete."""
