"""Case 7: what somebody declared by mistake is taken back once he has proved what is his.

A declared number that another has proved is refused. When whoever declared it then proves another of the same kind,
the refusal is no question any more: it was a typo, and says nothing of the two who met in it. Nobody's identifiers
depend on that, for a refused link joins nobody: what changes is what is told of the link.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from services.identity.domain.components import Components
from services.identity.domain.evidence import AUTHENTICATED
from services.identity.domain.graph import ACTIVE, Candidate, LinkState, View

CORRECTED = "corrected"
Kind = tuple[str, str]
"""Namespace and scope."""
Proof = tuple[datetime, int]
"""When an identifier was proved last, and which."""


def correct(view: View, candidates: Sequence[Candidate], components: Components) -> None:
    """Mark the refused links that are corrected: `blockers` are then who proved it, and what the other proved since."""
    refused = [one for one in candidates if _is_refused(view, one)]
    if not refused:
        return
    proved = [
        one
        for one in candidates
        if one.tier <= AUTHENTICATED and view.states[one.position] is ACTIVE and not view.facts[one.position].is_twin
    ]
    owners = _owners(proved)
    proofs = _proofs(view, proved, components)
    for one in refused:
        declared_at = view.facts[one.position].seen_at()
        for number, giver in sorted(((one.low, one.high), (one.high, one.low))):
            proof = proofs.get((components.root(giver), _kind(view, number)))
            if number not in owners or proof is None or declared_at is None or proof[0] < declared_at:
                continue
            if _may_be_mistaken(view, number, giver):
                sides = {number: owners[number], giver: proof[1]}
                view.states[one.position] = LinkState("retracted", CORRECTED, (sides[one.low], sides[one.high]))
                break


def _is_refused(view: View, candidate: Candidate) -> bool:
    """Whether nothing proves a link that would have given a person too many of something."""
    state = view.states[candidate.position]
    if candidate.tier <= AUTHENTICATED or state is None:
        return False
    return state.state == "suppressed" and state.reason.startswith("limit:")


def _may_be_mistaken(view: View, number: int, giver: int) -> bool:
    """Whether an identifier is one of several a person may have, and was declared by another kind of identifier."""
    mine, theirs = view.policies[number], view.policies[giver]
    return mine.bridges and theirs.bridges and not mine.is_singleton and _kind(view, number) != _kind(view, giver)


def _kind(view: View, node: int) -> Kind:
    identifier = view.nodes[node].identifier
    return identifier.namespace, identifier.scope


def _owners(proved: Iterable[Candidate]) -> dict[int, int]:
    """Return, by identifier, the least of those that proved it."""
    found: dict[int, int] = {}
    for one in proved:
        for node, other in ((one.low, one.high), (one.high, one.low)):
            found[node] = min(other, found.get(node, other))
    return found


def _proofs(view: View, proved: Iterable[Candidate], components: Components) -> dict[tuple[int, Kind], Proof]:
    """Return what was proved last of each kind by each person; of two at one time the lesser."""
    found: dict[tuple[int, Kind], Proof] = {}
    for one in proved:
        at = view.facts[one.position].seen_at(AUTHENTICATED)
        for node in (one.low, one.high) if at is not None else ():
            name = components.root(node), _kind(view, node)
            known = found.get(name)
            if at is not None and (known is None or (at, -node) > (known[0], -known[1])):
                found[name] = at, node
    return found
