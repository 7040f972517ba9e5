"""Step 1: which links hold at all. What was taken back, withdrawn, only inferred, or has expired is left out."""

from datetime import datetime, timedelta

from services.identity.domain.graph import WAITING, Candidate, Link, LinkState, View
from services.identity.domain.links import LinkFacts, latest

Expiry = tuple[int, int, datetime]
"""The two ends of a link and the instant at which it expires unless it is seen again."""

EXPIRED = LinkState("expired", "ttl")
REASSIGNED = LinkState("expired", "reassigned")
WITHDRAWN = LinkState("suppressed", "consent")
UNBOUND = LinkState("unbound")
BY_PARENT = LinkState("unbound", "parent")
"""Unbound with its parent, or by itself at the same instant or before."""
INFERRED_ONLY = LinkState("suppressed", "inferred")


def surviving(view: View) -> tuple[list[Candidate], list[Expiry]]:
    """Return the links that hold, and when those will expire that may; the states of the others are noted."""
    candidates: list[Candidate] = []
    expiries: list[Expiry] = []
    for position, (link, facts) in enumerate(zip(view.links, view.facts, strict=True)):
        best = facts.holds()
        if best is None:
            view.states[position] = _left_out(view, position)
            continue
        expiry = _expiry(view, link, facts)
        if expiry is not None and expiry <= view.now:
            view.states[position] = EXPIRED
            continue
        if expiry is not None:
            expiries.append((link.low, link.high, expiry))
        candidates.append(Candidate(position, link.low, link.high, *best))
    return _reassign(view, candidates), expiries


def _left_out(view: View, position: int) -> LinkState | None:
    """Return the state of a link that does not hold, None when nothing ever spoke for it."""
    link, facts = view.links[position], view.facts[position]
    if link.hold in WAITING:
        return WAITING[link.hold] if any(one.is_claimed for one in link.facts.values()) else None
    gone = WITHDRAWN if position in view.unpermitted else _gone(facts)
    return BY_PARENT if gone == UNBOUND and position in view.cascaded else gone


def _gone(facts: LinkFacts) -> LinkState | None:
    """Return the state of a link whose evidence holds no more, None when nothing ever spoke for it."""
    if not facts.is_claimed:
        return None
    taken_back: datetime | None = None
    for time in facts.void:
        taken_back = latest(taken_back, time)
    if taken_back is None:
        return INFERRED_ONLY
    return LinkState("retracted") if facts.retracted_at == taken_back else UNBOUND


def _expiry(view: View, link: Link, facts: LinkFacts) -> datetime | None:
    if facts.is_twin:
        return None
    ttls = [days for end in (link.low, link.high) if (days := view.policies[end].ttl_days) is not None]
    if not ttls:
        return None
    seen = facts.seen_at()
    return seen + timedelta(days=min(ttls)) if seen is not None else None


def movable(view: View) -> set[int]:
    """Return the nodes that may pass to a newer owner when the old one has fallen silent."""
    return {node for node, policy in enumerate(view.policies) if policy.reassign_after_days is not None}


def _reassign(view: View, candidates: list[Candidate]) -> list[Candidate]:
    """Expire the links of owners who fell silent long before somebody else proved the identifier."""
    nodes = movable(view)
    if not nodes:
        return candidates
    around: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        for end in {candidate.low, candidate.high} & nodes:
            around.setdefault(end, []).append(candidate)
    expired = {
        candidate.position
        for node, links in around.items()
        for candidate in links
        if _is_reassigned(view, node, candidate, links)
    }
    for position in expired:
        view.states[position] = REASSIGNED
    return [candidate for candidate in candidates if candidate.position not in expired]


def _is_reassigned(view: View, node: int, candidate: Candidate, links: list[Candidate]) -> bool:
    if view.facts[candidate.position].is_twin:
        return False
    days = view.policies[node].reassign_after_days
    owner = candidate.high if candidate.low == node else candidate.low
    proofs = [_proof(view, other) for other in links if other is not candidate]
    newest = max((proof for proof in proofs if proof is not None), default=None)
    return days is not None and newest is not None and newest - view.activity[owner] > timedelta(days=days)


def _proof(view: View, candidate: Candidate) -> datetime | None:
    return view.facts[candidate.position].seen_at(1)
