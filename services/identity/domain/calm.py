"""Calm: the parts of the graph in which newer evidence for what is already active can change nothing."""

from collections import Counter

from services.identity.domain.components import Components
from services.identity.domain.graph import View
from services.identity.domain.survival import movable


def calm_nodes(view: View, components: Components, shared: frozenset[int]) -> frozenset[int]:
    """Return the nodes of raw components where every link is active (or ends in a hub) whatever the order.

    If all links hold in one order they hold in every one: caps and refusals only ever get tighter while components
    grow. Not calm are identifiers that may be reassigned between neighbours, and persons who would be over a cap if
    what left its window came back.
    """
    parent = list(range(len(view.nodes)))
    degree = [0] * len(view.nodes)
    stirred: set[int] = set()
    for link, state in zip(view.links, view.states, strict=True):
        if state is None or link.low in shared or link.high in shared:
            continue
        parent[_root(parent, link.low)] = _root(parent, link.high)
        degree[link.low] += 1
        degree[link.high] += 1
        if state.state == "suppressed" or state.reason == "reassigned":
            stirred.add(link.low)
    stirred.update(node for node in movable(view) if degree[node] > 1)
    stirred |= _overfull(view, components)
    roots = {_root(parent, node) for node in stirred}
    return frozenset(node for node in range(len(view.nodes)) if _root(parent, node) not in roots)


def _root(parent: list[int], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


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
