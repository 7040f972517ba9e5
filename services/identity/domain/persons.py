"""Who keeps which person id when the partition changes.

The partition forgets how it came about; ids are sticky and do not. Each identifier remembers the person it was born
to: the strongest of those is a person's anchor, and where it goes the id goes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.ids import fact_id


class Owned(msgspec.Struct, frozen=True, gc=False):
    """An identifier with its owner so far and the person it was born to (0 for a new one).

    `proves` says that it is a singleton with evidence of tier 0 or 1, `names` that it is no device or cookie.
    """

    node: int
    person_no: int
    born: int
    priority: int
    proves: bool
    names: bool
    bridges: bool


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


def settle(groups: Sequence[Sequence[Owned]], retired: Mapping[int, int]) -> list[Settlement]:
    """Give every component its person.

    `retired` maps persons that ended in a merge and may come back to the graph version at which they ended.
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
    _revive([one for one in settled if one.is_new], groups, retired)
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
        anchors = [pair for pair in placed if pair[1].born == person] or placed
        home = min(anchors, key=lambda pair: (pair[1].priority, pair[1].node))[0]
        claims.setdefault(home, {})[person] = [one for _, one in placed]
    return claims


def merit(person: int, owned: Iterable[Owned]) -> tuple[bool, int, int]:
    """Return the key of which the least survives: proved singleton, more known identifiers, earlier allocation."""
    nodes = list(owned)
    return not any(one.proves for one in nodes), -sum(one.names for one in nodes), person


def _revive(new: list[Settlement], groups: Sequence[Sequence[Owned]], retired: Mapping[int, int]) -> None:
    """Give components without a person a retired id back: first by its anchor, then by anything born to it."""
    anchor: dict[int, Owned] = {}
    for members in groups:
        for one in members:
            best = anchor.get(one.born)
            if one.born in retired and (best is None or (one.priority, one.node) < (best.priority, best.node)):
                anchor[one.born] = one
    taken: set[int] = set()
    for by_anchor in (True, False):
        for settlement in sorted(new, key=lambda one: min(member.node for member in one.members)):
            if not settlement.is_new:
                continue
            nodes = {member.node for member in settlement.members}
            born = {member.born for member in settlement.members if member.born in retired} - taken
            candidates = [person for person in born if not by_anchor or anchor[person].node in nodes]
            if candidates:
                back = max(candidates, key=lambda person: (retired[person], -person))
                settlement.person_no, settlement.revived = back, True
                taken.add(back)
