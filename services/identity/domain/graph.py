"""The graph as the assignment rule sees it: nodes, links, and what the policies say about each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from services.identity.domain.components import acyclic
from services.identity.domain.evidence import Identifier
from services.identity.domain.links import LinkFacts, bucket, latest
from services.identity.domain.policy import NamespacePolicy, PolicySet

State = Literal["active", "suppressed", "expired", "unbound", "retracted", "shared"]


class Node(msgspec.Struct, gc=False):
    """An identifier; `alone_at` is the newest evidence that touched it without a link.

    A `known_hub` was demoted before, and not all of its links are given: it stays demoted.
    """

    identifier: Identifier
    alone_at: datetime | None = None
    withdrawn: frozenset[str] = frozenset()
    known_hub: bool = False


class Link(msgspec.Struct, gc=False):
    """All evidence about two nodes, by consent basis (empty where none is needed); `low` and `high` index the nodes."""

    low: int
    high: int
    facts: dict[str, LinkFacts]


class LinkState(msgspec.Struct, frozen=True, gc=False):
    """What became of a link; `blockers` are the nodes on the low's and the high's side that stand in the way."""

    state: State
    reason: str = ""
    blockers: tuple[int, int] | None = None


ACTIVE = LinkState("active")
SHARED = LinkState("shared", "hub")


class Candidate(msgspec.Struct, gc=False):
    """A link that holds after the first step, by its best tier and the newest time of that tier."""

    position: int
    low: int
    high: int
    tier: int
    at: datetime


class View:
    """Nodes in the order of their identifiers, their links, and what the policies make of them at one instant."""

    def __init__(self, nodes: Sequence[Node], links: Sequence[Link], policies: PolicySet, now: datetime) -> None:
        self.nodes = nodes
        self.links = links
        self.now = now
        by_name = {name: policies.of(name) for name in {node.identifier.namespace for node in nodes}}
        self.policies: list[NamespacePolicy] = [by_name[node.identifier.namespace] for node in nodes]
        self.buckets = [bucket(node.identifier, policies) for node in nodes]
        self.facts = [self._permitted(link) for link in links]
        self.cascaded = self._cascade()
        self.replaced = self._replaced()
        self.states: list[LinkState | None] = [None] * len(links)
        self._activity: list[datetime] | None = None

    def _permitted(self, link: Link) -> LinkFacts | None:
        """Return the facts whose basis nobody withdrew, None when all that spoke for the link went with it."""
        withdrawn = self.nodes[link.low].withdrawn | self.nodes[link.high].withdrawn
        if len(link.facts) == 1 and not withdrawn:
            return next(iter(link.facts.values()))
        merged = LinkFacts()
        for basis, facts in link.facts.items():
            if not basis or basis not in withdrawn:
                merged.merge(facts)
        if not merged.is_claimed and any(facts.is_claimed for facts in link.facts.values()):
            return None
        return merged

    def _cascade(self) -> dict[int, int]:
        """Take what was unbound from a parent from its children too; return link -> the parent, where that counts."""
        cut = [
            (position, against)
            for position, facts in enumerate(self.facts)
            if facts is not None and (against := facts.unbound()) is not None
        ]
        children = self._children() if cut else {}
        if not children:
            return {}
        where = {(link.low, link.high): position for position, link in enumerate(self.links)}
        found: dict[int, int] = {}
        for position, against in cut:
            link = self.links[position]
            for parent, other in ((link.low, link.high), (link.high, link.low)):
                for child in _below(children, parent):
                    target = where.get((min(child, other), max(child, other)))
                    facts = self.facts[target] if target is not None else None
                    if target is None or facts is None or not (target in found or facts.holds()):
                        continue
                    self.facts[target] = facts.against(against)
                    found[target] = parent
        return found

    def _children(self) -> dict[int, list[int]]:
        """Return the identifiers that hang on one of their parent namespace, by that parent."""
        found: dict[int, list[int]] = {}
        for link, facts in zip(self.links, self.facts, strict=True):
            for parent, child in ((link.low, link.high), (link.high, link.low)):
                namespace = self.policies[child].parent
                if namespace is None or namespace != self.nodes[parent].identifier.namespace:
                    continue
                if facts is not None and facts.holds() and not facts.forbids:
                    found.setdefault(parent, []).append(child)
        return found

    def _replaced(self) -> dict[int, int]:
        """Return which node was superseded by which; the newest supersede wins."""
        found: list[tuple[datetime, int, int]] = []
        for link, facts in zip(self.links, self.facts, strict=True):
            if facts is None or facts.forbids:
                continue
            for at, old, new in (
                (facts.replaced_low_at, link.low, link.high),
                (facts.replaced_high_at, link.high, link.low),
            ):
                if at is not None and (facts.retracted_at is None or at > facts.retracted_at):
                    found.append((at, old, new))
        found.sort(key=lambda one: (-one[0].timestamp(), one[1], one[2]))
        return acyclic([(old, new) for _, old, new in found])

    @property
    def activity(self) -> list[datetime]:
        """The newest time of any evidence that touches each node."""
        if self._activity is None:
            newest: list[datetime | None] = [node.alone_at for node in self.nodes]
            for link in self.links:
                for facts in link.facts.values():
                    at = facts.activity
                    newest[link.low] = latest(newest[link.low], at)
                    newest[link.high] = latest(newest[link.high], at)
            self._activity = [at if at is not None else self.now for at in newest]
        return self._activity


def _below(children: dict[int, list[int]], parent: int) -> set[int]:
    """Return what hangs on a node, and on that."""
    found: set[int] = set()
    waiting = [parent]
    while waiting:
        new = [child for child in children.get(waiting.pop(), ()) if child not in found]
        found.update(new)
        waiting += new
    return found - {parent}
