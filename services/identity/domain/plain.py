"""Plain regions: parts of the graph in which every link holds whatever the order, so the rule need not be run.

If no link was ever spoken against, nothing is over a cap or too large when everything is counted at once, and no two
parties who name somebody would meet over a leaf alone, then no join can be refused: caps and refusals only get tighter
while components grow. Hubs end regions: a plain link to one joins nobody, however many there are. The rule
(assignment.py) says the same of them at many times the price; it stays the judge.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from services.identity.domain.consents import SILENT, Consents, Linking, permits
from services.identity.domain.evidence import Identifier
from services.identity.domain.links import TIERS, LinkFacts
from services.identity.domain.policy import HUB_PRIORITY, KNOWN_PRIORITY, NamespacePolicy, PolicySet
from services.identity.domain.twins import TWIN_SOURCE

NOTHING: list[datetime | None] = [None] * TIERS
NOBODY: frozenset[int] = frozenset()

Ends = tuple[int, int]
Roots = dict[int, int]


class PlainRegions(msgspec.Struct):
    """The plain regions by their nodes, each hub by itself; `recheck` gives a node of each, and the hubs, with the time
    when its first link expires. The links in `hanging` are plain and end in a hub."""

    groups: list[list[int]]
    recheck: dict[int, datetime]
    hanging: list[Ends]


class Rules(msgspec.Struct, gc=False):
    """What matters of a policy here; `most` is the tightest of its caps."""

    names: bool
    bridges: bool
    ttl: timedelta | None
    hub_threshold: int | None
    most: int | None
    per_scope: bool
    is_singleton: bool
    strong: bool
    is_child: bool


def rules_of(policy: NamespacePolicy) -> Rules:
    """Return what matters here of a policy."""
    caps = [cap for cap in (policy.cap(0), policy.cap(2)) if cap is not None]
    return Rules(
        names=policy.priority <= KNOWN_PRIORITY,
        bridges=policy.bridges,
        ttl=timedelta(days=policy.ttl_days) if policy.ttl_days is not None else None,
        hub_threshold=policy.hub_threshold,
        most=min(caps, default=None),
        per_scope=policy.cap_per == "scope",
        is_singleton=policy.is_singleton,
        strong=policy.priority <= HUB_PRIORITY,
        is_child=policy.parent is not None,
    )


def is_plain(facts: LinkFacts) -> bool:
    """Return whether all that was ever said about a pair is that they belong together, more than inferred."""
    return (
        facts.void == NOTHING
        and facts.must_at is None
        and facts.cannot_at is None
        and facts.retracted_at is None
        and facts.replaced_low_at is None
        and facts.replaced_high_at is None
        and facts.seen[-1] is None
        and TWIN_SOURCE not in facts.sources
        and facts.seen != NOTHING
    )


class _Forest:
    """Disjoint sets of nodes."""

    def __init__(self, nodes: Iterable[int]) -> None:
        self.parent = {one: one for one in nodes}

    def root(self, one: int) -> int:
        parent = self.parent
        while (above := parent[one]) != one:
            parent[one] = one = parent[above]
        return one

    def join(self, ends: Ends) -> None:
        low, high = self.root(ends[0]), self.root(ends[1])
        if low != high:
            self.parent[low] = high

    def roots(self) -> Roots:
        """Return the root of every node; nothing is joined any more."""
        return {one: self.root(one) for one in self.parent}


def plain_regions(
    names: Mapping[int, Identifier],
    links: Mapping[Ends, Mapping[str, LinkFacts]],
    policies: PolicySet,
    now: datetime,
    consents: Mapping[int, Consents],
    hubs: frozenset[int] = frozenset(),
    edge: frozenset[int] = frozenset(),
) -> PlainRegions:
    """Return the plain ones among the regions that `links` make of the nodes in `names`.

    `consents` are those of the nodes for which anything was said; links that lead elsewhere are not plain. `hubs` are
    sure to be hubs, whatever these links are; of the nodes at the `edge` only links to hubs are given, and nothing is
    told.
    """
    if policies.reassigns:
        return PlainRegions([], {}, [])
    by_namespace = {name: rules_of(policies.of(name)) for name in {one.namespace for one in names.values()}}
    rules = {one: by_namespace[name.namespace] for one, name in names.items()}
    walk = _Walk(rules, now, consents, policies.linking, hubs, edge)
    for ends, by_basis in links.items():
        walk.take(ends, by_basis)
    forest = walk.forest
    crowded = [end for end, count in walk.reached.items() if count > (rules[end].hub_threshold or 0)]
    crowded = [end for end in crowded if end not in hubs]
    parties = {forest.root(one) for one, rule in rules.items() if rule.names}
    for ends in walk.leaves:
        forest.join(ends)
    roots = forest.roots()
    apart = {roots[one] for one in (*walk.stirred, *crowded)}
    doubted = walk.doubted - edge
    if doubted:
        # What was unbound from a hub may be unbound from what hangs on both.
        apart |= {roots[one] for ends in walk.hanging if not doubted.isdisjoint(ends) for one in ends} - hubs
    apart |= _torn(roots, parties) | _overfull(roots, names, rules)
    apart |= _oversized(roots, rules, policies.safeguards.largest_person)
    groups = [group for group in _groups(roots, apart) if edge.isdisjoint(group)] if edge else _groups(roots, apart)
    hanging = [ends for ends in walk.hanging if doubted.isdisjoint(ends)]
    return PlainRegions(groups, _rechecks(roots, apart, walk.due), hanging)


class _Walk:
    """One look at every link: what joins, what only hangs on, who is reached, what is not plain, when links expire."""

    def __init__(
        self,
        rules: Mapping[int, Rules],
        now: datetime,
        consents: Mapping[int, Consents],
        linking: Linking,
        hubs: frozenset[int],
        edge: frozenset[int],
    ) -> None:
        self.rules, self.now = rules, now
        self.consents, self.linking = consents, linking
        self.hubs, self.edge = hubs, edge
        self.hanging: list[Ends] = []
        self.doubted: set[int] = set()
        """Hubs with links that are not plain."""
        self.stirred: list[int] = []
        self.forest = _Forest(rules)
        self.leaves: list[Ends] = []
        self.reached: dict[int, int] = {}
        self.due: list[tuple[int, datetime]] = []

    def take(self, ends: Ends, by_basis: Mapping[str, LinkFacts]) -> None:
        """Note one link."""
        low, high = self.rules.get(ends[0]), self.rules.get(ends[1])
        hubs = self.hubs.intersection(ends) if self.hubs else NOBODY
        if low is None or high is None or (not hubs and self.edge and not self.edge.isdisjoint(ends)):
            self.stirred += [end for end in ends if end in self.rules and end not in hubs]
            self.doubted |= hubs
            return
        if not hubs and low.bridges and high.bridges:
            self.forest.join(ends)
        elif not hubs:
            self.leaves.append(ends)
        expiry = expiry_of(by_basis, low, high, self.now)
        if expiry is False or not self._is_permitted(ends, by_basis):
            self.stirred += [end for end in ends if end not in hubs]
            self.doubted |= hubs
        else:
            if expiry is not True:
                self.due += [(end, expiry) for end in hubs or ends[:1]]
            if hubs:
                self.hanging.append(ends)
        self._reach(ends[0], low, high)
        self._reach(ends[1], high, low)

    def _is_permitted(self, ends: Ends, by_basis: Mapping[str, LinkFacts]) -> bool:
        if not self.consents and self.linking == "opt_out":
            return True
        low, high = (self.consents.get(end, SILENT) for end in ends)
        return all(permits(basis, low, high, self.linking) for basis in by_basis)

    def _reach(self, end: int, mine: Rules, other: Rules) -> None:
        if mine.hub_threshold is not None and reaches(mine, other):
            self.reached[end] = self.reached.get(end, 0) + 1


def reaches(mine: Rules, other: Rules) -> bool:
    """Return whether an identifier is the more of a hub for being linked to another."""
    return mine.hub_threshold is not None and (other.is_singleton if mine.bridges else other.strong)


def expiry_of(by_basis: Mapping[str, LinkFacts], low: Rules, high: Rules, now: datetime) -> datetime | bool:
    """Return when a plain link expires, True for never, False for a link that is not plain."""
    newest: datetime | None = None
    for facts in by_basis.values():
        if not is_plain(facts):
            return False
        for time in facts.seen:
            if time is not None and (newest is None or time > newest):
                newest = time
    ttl = low.ttl if high.ttl is None else high.ttl if low.ttl is None else min(low.ttl, high.ttl)
    if ttl is None or newest is None:
        return True
    at = newest + ttl
    return at if at > now else False


def _torn(roots: Roots, parties: Collection[int]) -> set[int]:
    """Return the regions in which several parties that name somebody meet over leaves alone."""
    met = Counter(roots[one] for one in parties)
    return {root for root, count in met.items() if count > 1}


def _overfull(roots: Roots, names: Mapping[int, Identifier], rules: Mapping[int, Rules]) -> set[int]:
    """Return the regions that hold more of a kind than a person may."""
    held: dict[tuple[int, str, str], int] = {}
    found: set[int] = set()
    for one, rule in rules.items():
        if rule.most is None:
            continue
        name, root = names[one], roots[one]
        kind = root, name.namespace, name.scope if rule.per_scope else ""
        count = held[kind] = held.get(kind, 0) + 1
        if count > rule.most:
            found.add(root)
    return found


def _oversized(roots: Roots, rules: Mapping[int, Rules], largest: int | None) -> set[int]:
    """Return the regions that would be too large for one person."""
    if largest is None or len(rules) <= largest:
        return set()
    sizes = Counter(roots[one] for one, rule in rules.items() if rule.bridges)
    return {root for root, size in sizes.items() if size > largest}


def _groups(roots: Roots, apart: Collection[int]) -> list[list[int]]:
    groups: dict[int, list[int]] = {}
    for one, root in roots.items():
        if root not in apart:
            groups.setdefault(root, []).append(one)
    return list(groups.values())


def _rechecks(roots: Roots, apart: Collection[int], due: list[tuple[int, datetime]]) -> dict[int, datetime]:
    recheck: dict[int, datetime] = {}
    for one, at in due:
        root = roots[one]
        if root not in apart and (root not in recheck or at < recheck[root]):
            recheck[root] = at
    return recheck
