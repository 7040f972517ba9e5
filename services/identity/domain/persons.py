"""Who keeps which person id when the partition changes.

The partition forgets how it came about; ids are sticky and do not. Each identifier remembers the person it was born
to: the strongest of those is a person's anchor, and where it goes the id goes. To who began by a split nothing was
born: his anchor is the strongest of what has been his the longest.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.ids import fact_id


class Owned(msgspec.Struct, frozen=True, gc=False):
    """An identifier with its owner so far and the person it was born to (0 for a new one).

    `proves` says that it is a singleton with evidence of tier 0 or 1, `names` that it is no device or cookie. With the
    graph version `since` it became its owner's.
    """

    node: int
    person_no: int
    born: int
    priority: int
    proves: bool
    names: bool
    bridges: bool
    since: int = 0


Had = Mapping[int, Mapping[int, int]]
"""By person that ended: the identifiers he had then, each with the graph version with which it had become his."""


class Settlement(msgspec.Struct):
    """The person of one component: a number that goes on, one that comes back, or 0 for a new one."""

    members: Sequence[Owned]
    person_no: int = 0
    revived: bool = False
    absorbed: tuple[int, ...] = ()

    @property
    def is_new(self) -> bool:
        """Whether a number has to be allocated."""
        return self.person_no == 0


def ownership_id(
    workspace_id: int, node_no: int, version: int, person_no: int, since: datetime | None, until: datetime | None
) -> UUID:
    """Return the id of the fact that an identifier is a person's: of the intervals of a version one has no end."""
    interval = () if until is None else (since, until)
    return fact_id("ownership", workspace_id, node_no, version, person_no, *interval)


def parted(groups: Sequence[Sequence[Owned]]) -> list[int]:
    """Return the identifiers of persons who are in several components: somebody who ended in one may come back.

    Devices and cookies go to and fro and part nobody.
    """
    places: dict[int, set[int]] = {}
    for position, members in enumerate(groups):
        for one in members:
            if one.person_no and one.bridges:
                places.setdefault(one.person_no, set()).add(position)
    several = {person for person, found in places.items() if len(found) > 1}
    return [one.node for members in groups for one in members if one.person_no in several and one.bridges]


def settle(groups: Sequence[Sequence[Owned]], retired: Mapping[int, int], had: Had | None = None) -> list[Settlement]:
    """Give every component its person.

    `retired` maps persons that ended in a merge and may come back to the graph version at which they ended; `had` is
    what they had of what is `parted` now.
    """
    claims = claims_on(groups)
    settled: list[Settlement] = []
    for position, members in enumerate(groups):
        claimants = claims.get(position)
        if not claimants:
            settled.append(Settlement(members))
            continue
        best = min(claimants, key=lambda person: merit(person, claimants[person]))
        others = tuple(sorted(person for person in claimants if person != best))
        settled.append(Settlement(members, best, absorbed=others))
    _revive([one for one in settled if one.is_new], groups, retired, had or {})
    return settled


def claims_on(groups: Sequence[Sequence[Owned]]) -> dict[int, dict[int, list[Owned]]]:
    """Return, by the position of a component, the living persons that stay with it and what they owned.

    Of several of them all but one end in a merge.
    """
    owned: dict[int, list[tuple[int, Owned]]] = {}
    for position, members in enumerate(groups):
        for one in members:
            if one.person_no:
                owned.setdefault(one.person_no, []).append((position, one))
    claims: dict[int, dict[int, list[Owned]]] = {}
    for person, placed in owned.items():
        home = min(placed, key=lambda pair: _hold(pair[1], person, pair[1].since))[0]
        claims.setdefault(home, {})[person] = [one for _, one in placed]
    return claims


def _hold(one: Owned, person: int, since: int) -> tuple[bool, bool, int, int, int]:
    """Return the key of which the least is a person's anchor: born to him, else his the longest; then the strongest."""
    born = one.born == person
    return not born, not (born or one.bridges), 0 if born else since, one.priority, one.node


def merit(person: int, owned: Iterable[Owned]) -> tuple[bool, int, int]:
    """Return the key of which the least survives: proved singleton, more known identifiers, earlier allocation."""
    nodes = list(owned)
    return not any(one.proves for one in nodes), -sum(one.names for one in nodes), person


def _revive(new: list[Settlement], groups: Sequence[Sequence[Owned]], retired: Mapping[int, int], had: Had) -> None:
    """Give components without a person a retired id back: first by its anchor, then by anything that was its."""
    belongings = _belongings(groups, retired, had)
    anchors: dict[int, set[int]] = {}
    owners: dict[int, set[int]] = {}
    for person, nodes in belongings.items():
        anchors.setdefault(nodes[0], set()).add(person)
        for node in nodes:
            owners.setdefault(node, set()).add(person)
    taken: set[int] = set()
    for by_node in (anchors, owners):
        for settlement in sorted(new, key=lambda one: min(member.node for member in one.members)):
            found = [by_node.get(member.node, set()) for member in settlement.members if settlement.is_new]
            candidates = set().union(*found) - taken
            if candidates:
                back = max(candidates, key=lambda person: (retired[person], -person))
                settlement.person_no, settlement.revived = back, True
                taken.add(back)


def _belongings(groups: Sequence[Sequence[Owned]], retired: Mapping[int, int], had: Had) -> dict[int, list[int]]:
    """Return the identifiers of persons that ended, the anchor first: those born to each, of them what he had then.

    To whom nothing was born, his are all he had when he ended.
    """
    found: dict[int, list[tuple[bool, tuple[bool, bool, int, int, int]]]] = {}
    by_node: dict[int, list[tuple[int, int]]] = {}
    for person, nodes in had.items():
        for node, since in nodes.items() if person in retired else ():
            by_node.setdefault(node, []).append((person, since))
    for one in (member for members in groups for member in members):
        kept = by_node.get(one.node, [])
        for person, since in kept:
            found.setdefault(person, []).append((False, _hold(one, person, since)))
        if one.born in retired and all(person != one.born for person, _ in kept):
            found.setdefault(one.born, []).append((True, _hold(one, one.born, 0)))
    listed = {person: sorted(keys) for person, keys in found.items()}
    return {
        person: [key[-1] for _, key in keys if key[0] == min(key[0] for _, key in keys)]
        for person, keys in listed.items()
    }
