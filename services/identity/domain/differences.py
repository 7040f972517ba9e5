"""What another set of policies would make of the same evidence: who is joined, who is parted, which links change."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from services.identity.domain.evidence import Identifier
from services.identity.domain.partition import Partition
from services.identity.domain.policy import PolicySet

EXAMPLES = 20


class Difference(msgspec.Struct, kw_only=True):
    """The difference between two partitions of the same identifiers; differences of disjoint parts add up.

    `anchors_lost` counts persons with an identifier of a singleton namespace whose id would end in another such
    person. `links` counts by (what a link was, what it would be); examples are persons by number.
    """

    persons_before: int = 0
    persons_after: int = 0
    persons_merged: int = 0
    persons_split: int = 0
    anchors_lost: int = 0
    largest_before: int = 0
    largest_after: int = 0
    links: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    merged: list[list[int]] = msgspec.field(default_factory=list)
    split: list[int] = msgspec.field(default_factory=list)

    def add(self, other: "Difference") -> None:
        """Take in the difference of another part of the graph."""
        self.persons_before += other.persons_before
        self.persons_after += other.persons_after
        self.persons_merged += other.persons_merged
        self.persons_split += other.persons_split
        self.anchors_lost += other.anchors_lost
        self.largest_before = max(self.largest_before, other.largest_before)
        self.largest_after = max(self.largest_after, other.largest_after)
        self.links.update(other.links)
        self.merged = (self.merged + other.merged)[:EXAMPLES]
        self.split = (self.split + other.split)[:EXAMPLES]


def difference(
    before: Partition, after: Partition, policies: PolicySet, person_no: Mapping[Identifier, int]
) -> Difference:
    """Return how `after`, made under `policies`, differs from `before`; `person_no` names the persons of before."""
    found = Difference(
        persons_before=len(before.persons),
        persons_after=len(after.persons),
        largest_before=max(map(len, before.persons), default=0),
        largest_after=max(map(len, after.persons), default=0),
        links=_links(before, after),
    )
    was = {one: person for person in before.persons for one in person}
    becomes = {one: person for person in after.persons for one in person}
    for person in after.persons:
        joined = {was[one] for one in person}
        if len(joined) > 1:
            found.persons_merged += len(joined) - 1
            found.anchors_lost += max(0, sum(_is_anchored(one, policies) for one in joined) - 1)
            found.merged.append(sorted({person_no[min(one)] for one in joined}))
    for person in before.persons:
        if len({becomes[one] for one in person}) > 1:
            found.persons_split += 1
            found.split.append(person_no[min(person)])
    found.merged = sorted(found.merged)[:EXAMPLES]
    found.split = sorted(found.split)[:EXAMPLES]
    return found


def _is_anchored(person: frozenset[Identifier], policies: PolicySet) -> bool:
    return any(policies.of(one.namespace).is_singleton for one in person)


def _links(before: Partition, after: Partition) -> Counter[tuple[str, str]]:
    was, becomes = _states(before), _states(after)
    changed = Counter[tuple[str, str]]()
    for pair in was.keys() | becomes.keys():
        states = was.get(pair, "absent"), becomes.get(pair, "absent")
        if states[0] != states[1]:
            changed[states] += 1
    return changed


def _states(partition: Partition) -> dict[tuple[Identifier, Identifier], str]:
    refused = {
        pair: f"{why.state}({why.reason})" if why.reason else why.state for pair, why in partition.refused.items()
    }
    return refused | dict.fromkeys(partition.active, "active")
