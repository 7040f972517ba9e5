"""The circuit breaker: which links come too fast to be believed, and which merge more than their source may."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

import msgspec

WINDOW = timedelta(minutes=1)

T = TypeVar("T")

Ends = tuple[int, int]
Meter = tuple[int, int, datetime]
"""A workspace, a source, and the minute in which something that it said arrived."""


def rushed(arrivals: Iterable[tuple[datetime, T]], most: int) -> set[T]:
    """Return those of which more than `most` arrived within any one minute, ends included."""
    ordered = sorted(arrivals, key=lambda one: one[0])
    found: set[T] = set()
    first = 0
    for last, (at, _) in enumerate(ordered):
        while at - ordered[first][0] > WINDOW:
            first += 1
        if last - first + 1 > most:
            found.update(one for _, one in ordered[first : last + 1])
    return found


class Joining(msgspec.Struct, frozen=True):
    """A link that is new and may make two persons one; where it does, the first of `meters` with room is charged."""

    ends: Ends
    at: datetime
    meters: tuple[Meter, ...]


class Merges(NamedTuple):
    """How many persons are merged, by what is charged for it, and the links `beyond` every rate, by their source's."""

    charged: Counter[Meter]
    beyond: dict[Ends, Meter]


def minute_of(at: datetime) -> datetime:
    """Return the minute in which an instant lies, by its beginning."""
    return at.replace(second=0, microsecond=0)


def merges(
    persons: Mapping[int, int],
    standing: Iterable[Ends],
    new: Iterable[Joining],
    room: Mapping[Meter, int] | None = None,
    refused: Iterable[Joining] = (),
) -> Merges:
    """Return what new links merge of persons, first come first served; without `room` nothing is too much.

    `persons` are the owners so far of identifiers, those who count; the identifiers of one are together from the
    beginning, and `standing` links cost nobody anything. A link whose ends come together without it is not beyond.
    `refused` links do not hold, but might if others were held: they are beyond where they would merge without room.
    """
    parties = _Parties(persons)
    for low, high in standing:
        parties.join(low, high)
    charged: Counter[Meter] = Counter()
    beyond: dict[Ends, Meter] = {}

    def has_room(meter: Meter) -> bool:
        return room is None or room.get(meter, 0) > charged[meter]

    for one in sorted(new, key=lambda one: (one.at, one.ends)):
        if parties.would_merge(*one.ends):
            payer = next(filter(has_room, one.meters), None)
            if payer is None:
                beyond[one.ends] = one.meters[0]
                continue
            charged[payer] += 1
        parties.join(*one.ends)
    for one in refused:
        if parties.would_merge(*one.ends) and not any(map(has_room, one.meters)):
            beyond[one.ends] = one.meters[0]
    return Merges(charged, {ends: meter for ends, meter in beyond.items() if parties.would_merge(*ends)})


class _Parties:
    """Identifiers as they come together, and whether anybody who counts is among them."""

    def __init__(self, persons: Mapping[int, int]) -> None:
        self._parent: dict[int, int] = {}
        self._known: set[int] = set()
        first: dict[int, int] = {}
        for node, person in persons.items():
            self.join(node, first.setdefault(person, node))
        self._known.update(map(self._root, first.values()))

    def would_merge(self, low: int, high: int) -> bool:
        """Return whether a link puts two together who both count."""
        one, other = self._root(low), self._root(high)
        return one != other and one in self._known and other in self._known

    def join(self, low: int, high: int) -> None:
        """Put two together."""
        one, other = self._root(low), self._root(high)
        if one == other:
            return
        self._parent[other] = one
        if other in self._known:
            self._known.add(one)

    def _root(self, node: int) -> int:
        parent = self._parent
        while (above := parent.get(node, node)) != node:
            parent[node] = node = parent.get(above, above)
        return node
