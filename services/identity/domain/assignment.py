"""The assignment rule: a greedy maximum-priority spanning forest over one set of nodes and links.

It is a function of the set: nothing here depends on the order in which evidence arrived.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from services.identity.domain.calm import calm_nodes, raw_roots
from services.identity.domain.components import Components, Counted
from services.identity.domain.correction import correct
from services.identity.domain.graph import ACTIVE, OVERSIZED, SHARED, Candidate, Link, LinkState, Node, View
from services.identity.domain.policy import KNOWN_PRIORITY, PolicySet
from services.identity.domain.rechecks import rechecks
from services.identity.domain.survival import surviving


class Assignment(msgspec.Struct):
    """The partition of the nodes, and why.

    `states` are those of the links in their order, None for pairs nothing ever spoke for. `calm` nodes need no new
    run when evidence repeats what is active. `recheck` gives, for a node of each region it concerns, the first instant
    at which time alone may change the answer.
    """

    groups: list[list[int]]
    states: list[LinkState | None]
    shared: frozenset[int]
    calm: frozenset[int]
    replaced: dict[int, int]
    recheck: dict[int, datetime]


def assign(nodes: Sequence[Node], links: Sequence[Link], policies: PolicySet, now: datetime) -> Assignment:
    """Partition nodes, given in the order of their identifiers, by the links between them."""
    view = View(nodes, links, policies, now)
    candidates, expiries = surviving(view)
    shared = _hubs(view, candidates)
    components = _components(view)
    for candidate in sorted(candidates, key=lambda one: _sort_key(view, one)):
        view.states[candidate.position] = _taken(view, candidate, components, shared)
    limited: set[str] = set()
    for candidate in candidates:
        state = view.states[candidate.position]
        if state is None or state.state not in {"suppressed", "quarantined"}:
            continue
        if components.root(candidate.low) == components.root(candidate.high):
            # It was refused before its two sides came together by themselves: it holds after all.
            view.states[candidate.position] = ACTIVE
        limited.add(state.reason.removeprefix("limit:"))
    correct(view, candidates, components)
    roots = raw_roots(view, shared)
    return Assignment(
        groups=components.groups(),
        states=view.states,
        shared=shared,
        calm=calm_nodes(view, components, shared, roots),
        replaced=view.replaced,
        recheck=rechecks(view, roots, shared, expiries, limited),
    )


def _hubs(view: View, candidates: Sequence[Candidate]) -> frozenset[int]:
    """Step 2: identifiers that reach more people than one person's identifier can."""
    reached: dict[int, set[int]] = {}
    for candidate in candidates:
        for node, other in ((candidate.low, candidate.high), (candidate.high, candidate.low)):
            if other not in view.replaced and view.policies[node].is_crowded_by(view.policies[other]):
                reached.setdefault(node, set()).add(other)
    families = _families(view, candidates)
    for family in families:
        together = set().union(*(reached.get(node, ()) for node in family))
        reached.update((node, together) for node in family if view.policies[node].hub_threshold is not None)
    hubs = {node for node, others in reached.items() if len(others) > (view.policies[node].hub_threshold or 0)}
    hubs.update(index for index, node in enumerate(view.nodes) if node.known_hub)
    for family in families:
        if not hubs.isdisjoint(family):
            hubs.update(family)
    return frozenset(hubs)


def _families(view: View, candidates: Iterable[Candidate]) -> list[set[int]]:
    """Return plain identifiers with their hashes: whoever is reached through one is reached through all."""
    families: dict[int, set[int]] = {}
    for candidate in candidates:
        if not view.facts[candidate.position].is_twin:
            continue
        together = families.get(candidate.low, {candidate.low}) | families.get(candidate.high, {candidate.high})
        families.update((node, together) for node in together)
    return list({id(family): family for family in families.values()}.values())


def _components(view: View) -> Components:
    """Return every node by itself, with what it counts against."""
    components = Components(len(view.nodes))
    for node, policy in enumerate(view.policies):
        if policy.priority <= KNOWN_PRIORITY:
            components.know(node)
        if policy.bridges:
            components.measure(node)
        if policy.max_per_person is None or node in view.replaced:
            continue
        if policy.window_days is not None and view.activity[node] + timedelta(days=policy.window_days) <= view.now:
            continue
        components.hold(node, Counted(view.buckets[node], policy.priority, (policy.cap(0), policy.cap(2))))
    for link, forbids in zip(view.links, view.forbids, strict=True):
        if forbids:
            components.keep_apart(link.low, link.high)
    return components


def _sort_key(view: View, candidate: Candidate) -> tuple[int, int, float, int, int, int]:
    """Step 3: tier, weaker end, newest, stronger end, canonical bytes (which is the order of the nodes)."""
    one, other = view.policies[candidate.low].priority, view.policies[candidate.high].priority
    weaker, stronger = (one, other) if one > other else (other, one)
    least, greatest = sorted((candidate.low, candidate.high))
    tier = -1 if view.facts[candidate.position].is_twin else candidate.tier
    return tier, weaker, -candidate.at.timestamp(), stronger, least, greatest


def _taken(view: View, candidate: Candidate, components: Components, shared: frozenset[int]) -> LinkState:
    """Step 4: join the two components unless that would contradict something, or make somebody too large."""
    low, high = candidate.low, candidate.high
    if low in shared or high in shared:
        return SHARED
    if components.root(low) == components.root(high):
        return ACTIVE
    is_leaf = not (view.policies[low].bridges and view.policies[high].bridges)
    refusal = components.refusal(low, high, candidate.tier, is_leaf=is_leaf)
    if refusal is not None:
        return LinkState("suppressed", refusal.reason, refusal.blockers)
    if view.largest is not None and components.grown(low, high) > view.largest and not view.released(candidate):
        return OVERSIZED
    components.join(low, high)
    return ACTIVE
