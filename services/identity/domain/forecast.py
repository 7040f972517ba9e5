"""What an import would do to persons, added up region by region in numbers that say whether to let it."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

WORST = 10


class WorstIdentifier(msgspec.Struct, frozen=True):
    """An identifier that joins many: its namespace, and the first row that names it, where the file does:
    its value stays in the file."""

    namespace: str
    row: int | None
    joins: int
    held: int


class Forecast(msgspec.Struct, kw_only=True):
    """What would be otherwise. Persons are those whose identifiers the file names, and whoever these reach.

    `merging` persons would be `merged_into` fewer; `ended` ids would lead to another's; `anchors_lost` of those hold
    an identifier of which a person has one only, as the survivor does. `links` counts by (was, becomes).
    `unjudged` regions were too large to be looked at: how many, with how many identifiers in all.
    """

    rows: int = 0
    refused: dict[str, int] = {}
    duplicates: int = 0
    personless: int = 0
    invalid: dict[str, dict[str, int]] = {}
    erased: int = 0
    identifiers: int = 0
    identifiers_new: int = 0
    persons_before: int = 0
    persons_after: int = 0
    persons_new: int = 0
    merging: int = 0
    merged_into: int = 0
    ended: int = 0
    split: int = 0
    anchors_lost: int = 0
    largest_before: int = 0
    largest_after: int = 0
    held: int = 0
    links: list[tuple[str, str, int]] = []
    worst: list[WorstIdentifier] = []
    unjudged_regions: int = 0
    unjudged_identifiers: int = 0


class Judged(msgspec.Struct):
    """Some whole regions as the rule would have them.

    `owner` gives the person of each identifier so far, 0 for a new one; `single` are identifiers of which a person has
    one only; `links` what becomes of links, and `joining` the pairs that would hold two together and did not before.
    """

    groups: Sequence[Sequence[int]]
    owner: Mapping[int, int]
    single: frozenset[int]
    links: Counter[tuple[str, str]]
    joining: Iterable[tuple[int, int]]


class Tally:
    """Regions added up; four bytes a person there is, and the identifiers that join persons."""

    def __init__(self) -> None:
        self.found = Forecast()
        self._size, self._parts = array("i"), array("i")
        self._links = Counter[tuple[str, str]]()
        self.joins = Counter[int]()

    def add(self, judged: Judged) -> None:
        """Take in regions; a person may be parted by several of them, an identifier is in one."""
        found = self.found
        anchored = {judged.owner[one] for one in judged.single} - {0}
        for group in judged.groups:
            joined = {judged.owner[one] for one in group} - {0}
            found.persons_after += 1
            found.persons_new += not joined
            found.largest_after = max(found.largest_after, len(group))
            for person in joined:
                _count(self._parts, person)
            if len(joined) > 1:
                found.merging += len(joined)
                found.merged_into += 1
                found.ended += len(joined) - 1
                found.anchors_lost += max(0, len(joined & anchored) - 1)
        for person in judged.owner.values():
            if person:
                _count(self._size, person)
        self._links.update(judged.links)
        self.joins.update(_joins(judged))

    def total(self) -> Forecast:
        """Return what all of it comes to."""
        self.found.persons_before = sum(size > 0 for size in self._size)
        self.found.largest_before = max(self._size, default=0)
        self.found.split = sum(parts > 1 for parts in self._parts)
        ordered = sorted(self._links.items(), key=lambda item: (-item[1], item[0]))
        self.found.links = [(was, becomes, count) for (was, becomes), count in ordered]
        return self.found

    def moved(self, was: str, becomes: str, count: int) -> None:
        """Note links about which no region has to be asked."""
        if count:
            self._links[was, becomes] += count


def _count(column: "array[int]", place: int) -> None:
    if place >= len(column):
        column.extend([0] * (place + 1 - len(column)))
    column[place] += 1


def _joins(judged: Judged) -> dict[int, int]:
    """Return how many persons too many meet at an identifier by the links that are new."""
    met: dict[int, set[int]] = {}
    for pair in judged.joining:
        for one, other in (pair, pair[::-1]):
            met.setdefault(one, {judged.owner[one]}).add(judged.owner[other])
    return {one: len(persons - {0}) - 1 for one, persons in met.items() if len(persons - {0}) > 1}
