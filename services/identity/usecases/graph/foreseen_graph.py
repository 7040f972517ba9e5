"""The part of the graph that a file touches, copied in outline: numbers, who hangs together, which are hubs."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from services.identity.domain.columns import Flags, Ints
from services.identity.domain.foresight import Pairs, Touched
from services.identity.domain.islands import Islands
from services.identity.domain.policy import PolicySet
from services.identity.domain.sayings import Sayings


@dataclass(slots=True)
class ForeseenGraph:
    """What a preview has in its hands; identifiers beyond number `highest` are new.

    Some forty bytes a pair of the file, thirty a stored link around it, ten an identifier that the workspace has.
    """

    workspace_id: int
    source_id: int
    policies: PolicySet
    now: datetime
    highest: int
    tier: int = 2
    next_no: int = 0
    sayings: Sayings = field(default_factory=Sayings)
    islands: Islands = field(default_factory=Islands)
    namespaces: dict[str, int] = field(default_factory=dict)
    kinds: "array[int]" = field(default_factory=lambda: array("h"))
    """By number the place of the namespace in `namespaces`, -1 for identifiers that are not touched."""
    shared: set[int] = field(default_factory=set)
    edge: set[int] = field(default_factory=set)
    """Hubs that end regions: those there are, and those that the file makes for sure."""
    spoken: set[int] = field(default_factory=set)
    strays: dict[int, str] = field(default_factory=dict)
    low: "array[int]" = field(default_factory=lambda: array("i"))
    high: "array[int]" = field(default_factory=lambda: array("i"))
    flags: "array[int]" = field(default_factory=lambda: array("B"))
    """Stored links around touched identifiers; flags: 1 the source said so, 2 just now, 4 the region goes on there."""
    spelled: "array[int]" = field(default_factory=lambda: array("q"))
    """Addresses of the file with their aliases, two numbers in one, as often as a chunk of rows names them."""
    twins: list[tuple[int, int]] = field(default_factory=list)
    """Pairs that denote one, of which something is new: values and their hashes, addresses and their aliases."""
    held: set[tuple[int, int]] = field(default_factory=set)
    """Pairs the breaker would hold; those that are not stored yet are in no region."""
    fresh_held: set[tuple[int, int]] = field(default_factory=set)

    def touch(self, number: int, namespace: str) -> None:
        """Take an identifier in."""
        if number >= len(self.kinds):
            self.kinds.extend([-1] * (number + 1 - len(self.kinds)))
        self.kinds[number] = self.namespaces.setdefault(namespace, len(self.namespaces))
        self.islands.add(number)

    def knows(self, number: int) -> bool:
        """Whether an identifier was taken in."""
        return number < len(self.kinds) and self.kinds[number] >= 0

    def spell(self, one: int, other: int) -> None:
        """Note that an identifier of the file is a spelling of another."""
        self.spelled.append(min(one, other) << 32 | max(one, other))

    def spellings(self) -> list[tuple[int, int]]:
        """Return the pairs of spellings, each once."""
        found = np.unique(np.array(self.spelled, dtype=np.int64))
        return list(zip((found >> 32).tolist(), (found & 0xFFFF_FFFF).tolist(), strict=True))

    def touched(self) -> Touched:
        """Return what is known of identifiers, as columns."""
        kind = np.array(self.kinds, dtype=np.int64)
        numbers = np.arange(len(kind))
        return Touched(
            namespaces=list(self.namespaces),
            kind=kind,
            new=numbers > self.highest,
            shared=self._marked(self.shared),
            spoken=self._marked(self.spoken),
            open=self._marked(one for one, state in self.strays.items() if state == "open"),
            trusted=self._marked(one for one, state in self.strays.items() if state == "released"),
        )

    def _marked(self, numbers: Iterable[int]) -> Flags:
        flags = np.zeros(len(self.kinds), dtype=np.bool_)
        flags[[one for one in numbers if one < len(flags)]] = True
        return flags

    def pairs(self) -> Pairs:
        """Return the pairs that the file makes, and those there are by the same source, each once."""
        low, high, at = self.sayings.columns()
        flags = np.array(self.flags, dtype=np.int64)
        stored = np.array(self.low, dtype=np.int64) << 32 | np.array(self.high, dtype=np.int64)
        mine = np.unique(stored[flags & 1 > 0])
        recent = np.unique(stored[flags & 3 == 3])
        said = low << 32 | high
        fresh = ~np.isin(said, stored)
        before = np.zeros(len(mine), dtype=np.bool_)
        both = np.concatenate([said[fresh], mine])
        return Pairs(
            low=both >> 32,
            high=both & 0xFFFF_FFFF,
            at=np.concatenate([at[fresh], np.zeros(len(mine), dtype=np.int64)]),
            fresh=np.concatenate([fresh[fresh], before]),
            arrived=np.concatenate([fresh[fresh], np.isin(mine, recent)]),
        )

    def owner_of(self, low: int, high: int) -> int:
        """Return the end of a pair in whose region it is looked at."""
        return high if low in self.edge and high not in self.edge else low

    def owners(self, low: Ints, high: Ints) -> Ints:
        """Return the ends of pairs in whose regions they are looked at."""
        edge = self._marked(self.edge)
        return np.where(edge[low] & ~edge[high], high, low)

    def join(self, pairs: Iterable[Sequence[int]]) -> None:
        """Put together what pairs connect, hubs apart."""
        for pair in pairs:
            if self.edge.isdisjoint(pair):
                self.islands.join(pair)
