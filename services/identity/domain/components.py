"""Components that grow link by link and refuse to hold what must not be one person."""

from collections.abc import Sequence

import msgspec

Bucket = tuple[str, str]


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """Why two components were not joined, with the identifiers on either side that stand in the way."""

    reason: str
    blockers: tuple[int, int]


class Counted(msgspec.Struct, frozen=True, cache_hash=True, gc=False):
    """One kind of identifier a person may hold only so many of."""

    bucket: Bucket
    priority: int
    caps: tuple[int | None, int | None]
    """The cap for links of tier 0 and 1, and the one for weaker links."""

    def cap(self, tier: int) -> int | None:
        """Return the cap that a link of `tier` has to respect."""
        return self.caps[0] if tier <= 1 else self.caps[1]


class Components:
    """Disjoint sets of node numbers 0..n-1 with what each holds: counted nodes, known nodes, refused partners.

    Nodes are numbered in the order of their identifiers, so the least number is the least identifier.
    """

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))
        self._held: list[dict[Counted, list[int]]] = [{} for _ in range(size)]
        self._known: list[list[int]] = [[] for _ in range(size)]
        self._apart: list[list[tuple[int, int]]] = [[] for _ in range(size)]
        self._weight = [1] * size
        self._size = [0] * size

    def hold(self, node: int, counted: Counted) -> None:
        """Count a node against a cap."""
        self._held[node][counted] = [node]

    def know(self, node: int) -> None:
        """Say that a node names somebody."""
        self._known[node].append(node)

    def measure(self, node: int) -> None:
        """Count a node towards the size of its person."""
        self._size[node] = 1

    def grown(self, one: int, other: int) -> int:
        """Return the size of the person that joining two components would make larger; 0 when it would not."""
        a, b = self._size[self.root(one)], self._size[self.root(other)]
        return a + b if a and b else 0

    def keep_apart(self, one: int, other: int) -> None:
        """Say that two nodes are two people."""
        self._apart[one].append((one, other))
        self._apart[other].append((other, one))

    def root(self, node: int) -> int:
        """Return the representative of the node's component."""
        parent = self._parent
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def refusal(self, one: int, other: int, tier: int, *, is_leaf: bool) -> Refusal | None:
        """Return why the components of two nodes must not be joined by a link of `tier`, None when they may."""
        a, b = self.root(one), self.root(other)
        # The least pair, not the first one kept: what is told must not depend on the order of evidence either.
        if len(self._apart[a]) > len(self._apart[b]):
            kept = min(((n, m) for m, n in self._apart[b] if self.root(n) == a), default=None)
        else:
            kept = min(((m, n) for m, n in self._apart[a] if self.root(n) == b), default=None)
        if kept:
            return Refusal("cannot_link", kept)
        exceeded = [kind for kind in self._held[a] if self._exceeds(kind, a, b, tier)]
        if exceeded:
            worst = min(exceeded, key=lambda kind: (kind.priority, kind.bucket))
            return Refusal(f"limit:{worst.bucket[0]}", (min(self._held[a][worst]), min(self._held[b][worst])))
        if is_leaf and self._known[a] and self._known[b]:
            return Refusal("leaf", (min(self._known[a]), min(self._known[b])))
        return None

    def _exceeds(self, kind: Counted, a: int, b: int, tier: int) -> bool:
        cap, theirs = kind.cap(tier), self._held[b].get(kind)
        return cap is not None and theirs is not None and len(self._held[a][kind]) + len(theirs) > cap

    def join(self, one: int, other: int) -> None:
        """Make one component of two."""
        a, b = self.root(one), self.root(other)
        if self._weight[a] < self._weight[b]:
            a, b = b, a
        self._parent[b] = a
        self._weight[a] += self._weight[b]
        self._size[a] += self._size[b]
        for kind, nodes in self._held[b].items():
            self._held[a].setdefault(kind, []).extend(nodes)
        self._known[a].extend(self._known[b])
        self._apart[a].extend(self._apart[b])

    def groups(self) -> list[list[int]]:
        """Return the members of every component, ascending."""
        members: dict[int, list[int]] = {}
        for node in range(len(self._parent)):
            members.setdefault(self.root(node), []).append(node)
        return list(members.values())

    def held(self, node: int) -> dict[Counted, list[int]]:
        """Return what the node's component counts against caps."""
        return self._held[self.root(node)]


def acyclic(replacements: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Return old -> new of supersedes given newest first; one that would close a circle is void."""
    successor: dict[int, int] = {}
    for old, new in replacements:
        if old in successor:
            continue
        end = new
        while end in successor and end != old:
            end = successor[end]
        if end != old:
            successor[old] = new
    return successor
