"""Spellings that denote one by what a workspace declares: evidence that follows from the values and the policies.

It is stored like the evidence of hash twins, and counts only while the policies say so: whoever takes the declaration
back has the persons he had.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from services.identity.domain.declared_spelling import in_lower_case
from services.identity.domain.email_addresses import folded
from services.identity.domain.evidence import DECIDED, Evidence, Identifier
from services.identity.domain.policy import PolicySet
from services.identity.domain.twins import ALWAYS, TWIN_SOURCE

EMAIL_ALIAS = "email_alias"


def denotes(one: Identifier, policies: PolicySet) -> Identifier | None:
    """Return what an identifier is another spelling of, None when it is none.

    An id of before its issuer's case was declared not to matter is the one in lower case, which replaces it; an address
    of a domain that is folded has an alias, which it shares with its other spellings.
    """
    policy = policies.of(one.namespace)
    if policy.case_rules and policy.ignores_case(one.scope):
        lower = in_lower_case(one.value)
        return None if lower == one.value else Identifier(one.namespace, one.scope, lower)
    folding = policy.folding.get(one.value.rpartition("@")[2]) if policy.folding else None
    return None if folding is None else Identifier(EMAIL_ALIAS, one.scope, folded(one.value, folding))


def respelling(one: Identifier, other: Identifier, *, event_id: UUID, received_at: datetime) -> Evidence:
    """Return the fact that one identifier is another spelling of the other."""
    return Evidence(
        event_id=event_id,
        source_id=TWIN_SOURCE,
        kind="supersede" if one.namespace == other.namespace else "bind",
        tier=DECIDED,
        event_time=ALWAYS,
        first_received_at=received_at,
        identifiers=(one, other),
    )


def denoted(said: Evidence, policies: PolicySet) -> Iterator[tuple[Identifier, Identifier]]:
    """Yield the identifiers of evidence that are spellings of others, each with that."""
    for one in said.identifiers:
        other = denotes(one, policies)
        if other is not None:
            yield one, other


def respelt(evidence: Evidence) -> Identifier | None:
    """Return what evidence says one identifier is another spelling of, None where it says nothing of the kind."""
    if evidence.source_id != TWIN_SOURCE or len(evidence.identifiers) != 2:
        return None
    one, other = evidence.identifiers
    return other if other.namespace in {one.namespace, EMAIL_ALIAS} else None


def is_void(evidence: Evidence, policies: PolicySet) -> bool:
    """Return whether evidence says of two spellings that they denote one, and the policies do not, or no more."""
    other = respelt(evidence)
    return other is not None and denotes(evidence.identifiers[0], policies) != other


def unheld(evidence: Iterable[Evidence], policies: PolicySet) -> set[Identifier]:
    """Return the spellings, aliases and ids in lower case, that are nobody's: nothing that counts names them."""
    said_in_vain: set[Identifier] = set()
    named: set[Identifier] = set()
    for said in evidence:
        if is_void(said, policies):
            said_in_vain.add(said.identifiers[1])
        else:
            named.update(said.identifiers)
    return said_in_vain - named
