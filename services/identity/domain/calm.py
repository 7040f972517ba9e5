"""Calm: the parts of the graph in which newer evidence for what is already active can change nothing."""

from collections import Counter

from services.identity.domain.components import Components
from services.identity.domain.correction import CORRECTED
from services.identity.domain.graph import WAITS, View
from services.identity.domain.survival import movable


def raw_roots(view: View, shared: frozenset[int]) -> list[int]:
    """Return, by node, a representative of its raw component: what claims connect, hubs apart."""
    parent = list(range(len(view.nodes)))
    for link, state in zip(view.links, view.states, strict=True):
        if state is not None and state not in WAITS and link.low not in shared and link.high not in shared:
            parent[_root(parent, link.low)] = _root(parent, link.high)
    return [_root(parent, node) for node in range(len(parent))]


def _root(parent: list[int], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


def calm_nodes(view: View, components: Components, shared: frozenset[int], roots: list[int]) -> frozenset[int]:
    """Return the nodes of raw components where every link is active (or ends in a hub) whatever the order.

    If all links hold in one order they hold in every one: caps and refusals only ever get tighter while components
    grow. Not calm are identifiers that may be reassigned between neighbours, what was
    corrected and may be declared again, and persons who would be over a cap if what left its window came back.
    """
    degree = [0] * len(view.nodes)
    stirred = _overfull(view, components)
    for link, state in zip(view.links, view.states, strict=True):
        if state is None or state in WAITS or link.low in shared or link.high in shared:
            continue
        degree[link.low] += 1
        degree[link.high] += 1
        if state.state in {"suppressed", "quarantined"} or state.reason in {"reassigned", CORRECTED}:
            stirred.add(link.low)
    stirred.update(node for node in movable(view) if degree[node] > 1)
    restless = {roots[node] for node in stirred}
    return frozenset(node for node, root in enumerate(roots) if root not in restless)


def _overfull(view: View, components: Components) -> set[int]:
    """Return the nodes whose person would exceed a cap if all that left its window came back."""
    windowed = [node for node, policy in enumerate(view.policies) if policy.window_days is not None]
    names = {view.buckets[node] for node in windowed}
    peers = Counter((components.root(node), one) for node, one in enumerate(view.buckets) if one in names)
    exceeded: set[int] = set()
    for node in windowed:
        caps = [cap for cap in (view.policies[node].cap(0), view.policies[node].cap(2)) if cap is not None]
        if caps and peers[components.root(node), view.buckets[node]] > min(caps):
            exceeded.add(node)
    return exceeded
