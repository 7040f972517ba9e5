"""The graph as the assignment rule sees it: nodes, links, and what the policies say about each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from services.identity.domain.components import acyclic
from services.identity.domain.consents import SILENT, Consents, permits
from services.identity.domain.evidence import Identifier
from services.identity.domain.links import LinkFacts, bucket, latest
from services.identity.domain.policy import NamespacePolicy, PolicySet

State = Literal["active", "suppressed", "expired", "unbound", "retracted", "shared", "quarantined"]
Hold = Literal["held", "throttled", "released"]
"""What was decided about a link in quarantine: it waits, for the rate of an identifier or of a source, or it may make a
person larger than is allowed."""


class Node(msgspec.Struct, gc=False):
    """An identifier; `alone_at` is the newest evidence that touched it without a link.

    A `known_hub` was demoted before, and not all of its links are given: it stays demoted.
    """

    identifier: Identifier
    alone_at: datetime | None = None
    consents: Consents = SILENT
    known_hub: bool = False


class Link(msgspec.Struct, gc=False):
    """All evidence about two nodes, by consent basis (empty where none is needed).

    `low` and `high` index the nodes, in either order; the facts speak of the same two ends.
    What speaks for a link that waits, and whatever else is known of it but a `cannot_link`, counts for nothing.
    Of a `distant` link, between known hubs or what lies behind them, only that one end supersedes the other counts.
    """

    low: int
    high: int
    facts: dict[str, LinkFacts]
    hold: Hold | None = None
    distant: bool = False


class LinkState(msgspec.Struct, frozen=True, gc=False):
    """What became of a link; `blockers` are the nodes on the low's and the high's side that stand in the way."""

    state: State
    reason: str = ""
    blockers: tuple[int, int] | None = None


ACTIVE = LinkState("active")
SHARED = LinkState("shared", "hub")
HELD = LinkState("quarantined", "rate")
THROTTLED = LinkState("quarantined", "source_rate")
WAITING: dict[Hold | None, LinkState] = {"held": HELD, "throttled": THROTTLED}
"""What becomes of links that wait for somebody's decision: they count for nothing until then."""
WAITS = tuple(WAITING.values())
OVERSIZED = LinkState("quarantined", "size")


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
        self.largest = policies.safeguards.largest_person
        by_name = {name: policies.of(name) for name in {node.identifier.namespace for node in nodes}}
        self.policies: list[NamespacePolicy] = [by_name[node.identifier.namespace] for node in nodes]
        self.buckets = [bucket(node.identifier, policies) for node in nodes]
        self.linking = policies.linking
        self.unpermitted: set[int] = set()
        """Links of which all that spoke for them was said on a basis that is withdrawn."""
        permitted = [self._permitted(position, link) for position, link in enumerate(links)]
        self.forbids = [facts.forbids for facts in permitted]
        self.facts = [
            LinkFacts() if link.distant or link.hold in WAITING else facts
            for link, facts in zip(links, permitted, strict=True)
        ]
        self.cascaded = self._cascade()
        self.replaced = self._replaced(permitted)
        self.states: list[LinkState | None] = [None] * len(links)
        self._activity: list[datetime] | None = None

    def released(self, candidate: Candidate) -> bool:
        """Return whether somebody let this link make a person of any size."""
        return self.links[candidate.position].hold == "released"

    def _permitted(self, position: int, link: Link) -> LinkFacts:
        """Return the facts whose basis nobody withdrew; what speaks against a link counts on whatever basis."""
        low, high = self.nodes[link.low].consents, self.nodes[link.high].consents
        gone = {basis for basis in link.facts if not permits(basis, low, high, self.linking)}
        if len(link.facts) == 1 and not gone:
            return next(iter(link.facts.values()))
        merged = LinkFacts()
        for basis, facts in link.facts.items():
            merged.merge(facts.objections() if basis in gone else facts)
        if not merged.is_claimed and any(facts.is_claimed for facts in link.facts.values()):
            self.unpermitted.add(position)
        return merged

    def _cascade(self) -> dict[int, int]:
        """Take what was unbound from a parent from its children too; return link -> the parent, where that counts."""
        cut = [
            (position, against) for position, facts in enumerate(self.facts) if (against := facts.unbound()) is not None
        ]
        children = self._children() if cut else {}
        if not children:
            return {}
        # a stored link's low end is the lower number, which need not be the first by name
        where = {frozenset((link.low, link.high)): position for position, link in enumerate(self.links)}
        found: dict[int, int] = {}
        for position, against in cut:
            link = self.links[position]
            for parent, other in ((link.low, link.high), (link.high, link.low)):
                for child in _below(children, parent):
                    target = where.get(frozenset((child, other)))
                    if target is None or not (target in found or self.facts[target].holds()):
                        continue
                    self.facts[target] = self.facts[target].against(against)
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
                if facts.holds() and not facts.forbids:
                    found.setdefault(parent, []).append(child)
        return found

    def _replaced(self, permitted: Sequence[LinkFacts]) -> dict[int, int]:
        """Return which node was superseded by which; the newest supersede wins."""
        found: list[tuple[datetime, int, int]] = []
        for link, facts in zip(self.links, permitted, strict=True):
            if facts.forbids or link.hold in WAITING:
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
                for facts in link.facts.values() if link.hold not in WAITING else ():
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
