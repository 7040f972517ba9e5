"""The assignment rule a second time, word by word as the specification says it, slow and on plain dictionaries.

It shares nothing with the product: where the two differ, one of them has misread the text.
"""

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

Node = tuple[str, str, str]
Link = frozenset[Node]
DECISIONS = {"must_link", "cannot_link", "supersede", "unbind", "retract"}
SUPPORTING = {"login", "bind", "import", "observe", "infer", "logout", "must_link", "supersede"}


class LiteralRule:
    """The partition of a case's events; policies are those of the case form."""

    def __init__(
        self,
        policy: dict[str, dict[str, Any]],
        events: list[dict[str, Any]],
        now: datetime,
        *,
        largest: int = 200,
        held: AbstractSet[Link] = frozenset(),
        released: AbstractSet[Link] = frozenset(),
    ) -> None:
        self.policy = policy
        self.largest, self.held, self.released = largest, held, released
        self.now = now
        self.events = list({event["id"]: event for event in events}.values())
        self.nodes = sorted({node for event in self.events for node in event["nodes"]})
        self.links: dict[Link, list[dict[str, Any]]] = {}
        for event in self.events:
            for link in self._star(event):
                self.links.setdefault(link, []).append(event)
        self.retired = self._superseded()
        self.state: dict[Link, tuple[str, str]] = {}
        self.shared: set[Node] = set()
        self.persons = self._assign()

    def _of(self, node: Node) -> dict[str, Any]:
        return self.policy[node[0]]

    def _is_single(self, node: Node) -> bool:
        policy = self._of(node)
        return bool(policy.get("singleton", policy["max_per_person"] == 1))

    def _bucket(self, node: Node) -> tuple[str, str]:
        return node[0], node[1] if self._of(node).get("cap_per") == "scope" else ""

    def _star(self, event: dict[str, Any]) -> list[Link]:
        """An event with k ids makes a star from its highest-priority id; contradictory ones stand by themselves."""
        nodes = list(dict.fromkeys(event["nodes"]))
        if event["kind"] == "cannot_link":
            return [frozenset(pair) for pair in combinations(nodes, 2)]
        if event["kind"] not in DECISIONS:
            singles = [self._bucket(node) for node in nodes if self._is_single(node)]
            nodes = [node for node in nodes if not (self._is_single(node) and singles.count(self._bucket(node)) > 1)]
        if len(nodes) < 2:
            return []
        strongest = min(nodes, key=lambda node: (self._of(node)["priority"], node))
        centre = nodes[-1] if event["kind"] == "supersede" else strongest
        return [frozenset((node, centre)) for node in nodes if node != centre]

    def _superseded(self) -> set[Node]:
        """Old ids that count no more; of supersedes that make a circle the oldest is void."""
        successor: dict[Node, Node] = {}
        said = [
            e
            for e in self.events
            if e["kind"] == "supersede" and self._is_free(e) and not self._taken_back(frozenset(e["nodes"]), e)
        ]
        for event in sorted(said, key=lambda e: e["time"], reverse=True):
            old, end = event["nodes"]
            if old in successor:
                continue
            while end in successor and end != old:
                end = successor[end]
            if end != old:
                successor[old] = event["nodes"][1]
        return set(successor)

    def _is_free(self, event: dict[str, Any]) -> bool:
        return not self.held.intersection(self._star(event))

    def _taken_back(self, link: Link, event: dict[str, Any]) -> bool:
        return any(
            other["kind"] == "retract" and other["time"] >= event["time"] for other in self.links.get(link, ())
        ) or self._forbidden(link)

    def _forbidden(self, link: Link) -> bool:
        said = self.links.get(link, ())
        against = max((e["time"] for e in said if e["kind"] == "cannot_link"), default=None)
        others = [e["time"] for e in said if e["kind"] in {"must_link", "supersede"}]
        undone = [e["time"] for e in said if e["kind"] == "retract"]
        if against is None or any(time > against for time in others):
            return False
        return not any(time >= against for time in undone)

    def _support(self, link: Link, *, cascade: bool = True) -> dict[int, datetime]:
        """Return the newest time per tier of what speaks for a link and was not taken back since."""
        said = self.links[link]
        against = [(e["tier"], e["time"]) for e in said if e["kind"] in {"unbind", "retract"}]
        if cascade:
            against += self._from_parents(link)
        found: dict[int, datetime] = {}
        for event in said:
            tier = 4 if event["kind"] == "infer" else event["tier"]
            if event["kind"] not in SUPPORTING or tier > 3:
                continue
            if any(by <= tier and time >= event["time"] for by, time in against):
                continue
            found[tier] = max(event["time"], found.get(tier, event["time"]))
        return found

    def _from_parents(self, link: Link) -> list[tuple[int, datetime]]:
        """An unbind from a parent unbinds its children."""
        found: list[tuple[int, datetime]] = []
        for child in link:
            (other,) = link - {child}
            for parent in self._parents(child):
                pair = frozenset((parent, other))
                said = self.links.get(pair, ()) if parent != other and pair not in self.held else ()
                unbinds = [e for e in said if e["kind"] == "unbind"]
                undone = max((e["time"] for e in said if e["kind"] == "retract"), default=None)
                newest = max((e["time"] for e in unbinds), default=None)
                if newest is not None and (undone is None or newest > undone):
                    found += [(e["tier"], e["time"]) for e in said if e["kind"] in {"unbind", "retract"}]
        return found

    def _parents(self, child: Node) -> set[Node]:
        """Return what an identifier hangs on, directly or not."""
        found: set[Node] = set()
        waiting = [child]
        while waiting:
            one = waiting.pop()
            for link in self.links:
                (far,) = link - {one} if one in link else (one,)
                if far in (one, child) or far[0] != self._of(one).get("parent") or far in found:
                    continue
                if link not in self.held and self._support(link, cascade=False) and not self._forbidden(link):
                    found.add(far)
                    waiting.append(far)
        return found

    def _activity(self, node: Node) -> datetime:
        def counts(event: dict[str, Any]) -> bool:
            links = [link for link in self._star(event) if node in link]
            return not links or any(link not in self.held for link in links)

        # Nothing but what waits in quarantine: as if it was seen just now.
        times = [event["time"] for event in self.events if node in event["nodes"] and counts(event)]
        return max(times, default=self.now)

    def _not_held(self) -> list[tuple[Link, list[dict[str, Any]]]]:
        """Step 0: what somebody has to look at first."""
        for link in self.held & self.links.keys():
            if any(event["kind"] in SUPPORTING for event in self.links[link]):
                self.state[link] = "quarantined", "rate"
        return [(link, said) for link, said in self.links.items() if link not in self.held]

    def _surviving(self) -> dict[Link, dict[int, datetime]]:
        """Step 1."""
        alive: dict[Link, dict[int, datetime]] = {}
        for link, said in self._not_held():
            support = self._support(link)
            if support:
                ttl = min((days for node in link if (days := self._of(node).get("ttl_days"))), default=None)
                if ttl is not None and max(support.values()) + timedelta(days=ttl) <= self.now:
                    self.state[link] = "expired", "ttl"
                else:
                    alive[link] = support
                continue
            if not any(event["kind"] in SUPPORTING for event in said):
                continue
            undone = [e for e in said if e["kind"] in {"unbind", "retract"}]
            retracted = max((e["time"] for e in said if e["kind"] == "retract"), default=None)
            held = self._support(link, cascade=False)
            cascaded = [time for _, time in self._from_parents(link)] if held else []
            newest = max([e["time"] for e in undone] + cascaded, default=None)
            if newest is None:
                self.state[link] = "suppressed", "inferred"
            else:
                self.state[link] = ("retracted", "") if newest == retracted else ("unbound", "")
        reassigned = {link for link in alive for node in link if self._is_reassigned(node, link, alive)}
        for link in reassigned:
            self.state[link] = "expired", "reassigned"
        return {link: support for link, support in alive.items() if link not in reassigned}

    def _is_reassigned(self, node: Node, link: Link, alive: dict[Link, dict[int, datetime]]) -> bool:
        days = self._of(node).get("stale_days")
        if not days:
            return False
        (owner,) = link - {node}
        proofs = [
            time
            for other, support in alive.items()
            if node in other and other != link
            for tier, time in support.items()
            if tier <= 1
        ]
        return any(time - self._activity(owner) > timedelta(days=days) for time in proofs)

    def _hubs(self, alive: dict[Link, dict[int, datetime]]) -> set[Node]:
        """Step 2."""
        hubs: set[Node] = set()
        for node in self.nodes:
            threshold = self._of(node).get("hub_threshold")
            reached = {far for link in alive if node in link for far in link - {node} if far not in self.retired}
            if self._of(node).get("bridges", True):
                reached = {far for far in reached if self._is_single(far)}
            else:
                reached = {far for far in reached if self._of(far)["priority"] <= 3}
            if threshold is not None and len(reached) > threshold:
                hubs.add(node)
        return hubs

    def _order(self, link: Link, support: dict[int, datetime]) -> Any:
        """Step 3: tier, weaker end, newest, stronger end, canonical bytes."""
        tier = min(support)
        strengths = sorted(self._of(node)["priority"] for node in link)
        return tier, strengths[1], -support[tier].timestamp(), strengths[0], sorted(link)

    def _assign(self) -> list[set[Node]]:
        alive = self._surviving()
        self.shared = self._hubs(alive)
        group = {node: {node} for node in self.nodes}
        for link, support in sorted(alive.items(), key=lambda item: self._order(*item)):
            one, other = sorted(link)
            if link & self.shared:
                self.state[link] = "shared", "hub"
                continue
            reason = None if group[one] is group[other] else self._violation(group[one], group[other], link, support)
            if reason is not None:
                self.state[link] = "suppressed", reason
                continue
            if group[one] is not group[other] and self._is_too_large(group[one], group[other], link):
                self.state[link] = "quarantined", "size"
                continue
            self.state[link] = "active", ""
            joined = group[one] | group[other]
            for node in joined:
                group[node] = joined
        for link, (state, _) in self.state.items():
            one, other = sorted(link)
            if state in {"suppressed", "quarantined"} and link in alive and group[one] is group[other]:
                self.state[link] = "active", ""
        self.state.update(self._corrected(alive, group))
        return list({id(one): one for one in group.values()}.values())

    def _corrected(self, alive: Any, group: dict[Node, set[Node]]) -> dict[Link, tuple[str, str]]:
        """Case 7: numbers only declared, refused because of their owners, whose givers proved their own since."""
        proved = [
            (node, group[node], max(time for tier, time in alive[link].items() if tier <= 1))
            for link in alive
            for node in link
            if min(alive[link]) <= 1 and self.state[link][0] == "active"
        ]
        found: dict[Link, tuple[str, str]] = {}
        for link in alive:
            for number, giver in (sorted(link), sorted(link)[::-1]):
                since = [time for node, who, time in proved if node[:2] == number[:2] and who is group[giver]]
                is_typed = not self._is_single(number) and number[:2] != giver[:2] and min(alive[link]) > 1
                if not is_typed or not self.state[link][1].startswith("limit:") or not since:
                    continue
                if not all(self._of(node).get("bridges", True) for node in link):
                    continue
                if any(node == number for node, _, _ in proved) and max(since) >= max(alive[link].values()):
                    found[link] = "retracted", "corrected"
        return found

    def _is_too_large(self, one: set[Node], other: set[Node], link: Link) -> bool:
        """Nobody holds more than so many identifiers that bridge, but by links that somebody let go."""
        sizes = [sum(self._of(node).get("bridges", True) for node in side) for side in (one, other)]
        return all(sizes) and sum(sizes) > self.largest and link not in self.released

    def _violation(self, one: set[Node], other: set[Node], link: Link, support: dict[int, datetime]) -> str | None:
        """Step 4: what joining two components would violate."""
        if any(self._forbidden(frozenset((a, b))) for a in one for b in other):
            return "cannot_link"
        exceeded: list[tuple[int, tuple[str, str]]] = []
        for bucket in {self._bucket(node) for node in one} & {self._bucket(node) for node in other}:
            policy = self.policy[bucket[0]]
            cap = policy["max_per_person"]
            if isinstance(cap, dict):
                cap = cap.get("tier_0_1") if min(support) <= 1 else cap.get("tier_2_up")
            mine = sum(self._bucket(node) == bucket and node not in self.retired for node in one)
            theirs = sum(self._bucket(node) == bucket and node not in self.retired for node in other)
            if cap is not None and mine and theirs and mine + theirs > cap:
                exceeded.append((policy["priority"], bucket))
        if exceeded:
            return f"limit:{min(exceeded)[1][0]}"
        leaf = not all(self._of(node).get("bridges", True) for node in link)
        named = [any(self._of(node)["priority"] <= 5 for node in side) for side in (one, other)]
        return "leaf" if leaf and all(named) else None
