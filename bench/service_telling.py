"""What a listener makes of identity's events alone, by the rule that the greatest graph version counts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.contracts.identity.ownership_changed import OwnershipChanged
from libs.common.contracts.identity.person_created import PersonCreated
from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.contracts.identity.person_merged import PersonMerged
from libs.common.contracts.identity.person_split import PersonSplit

OF_PERSONS = (PersonCreated, PersonMerged, PersonSplit, PersonErased)
CONTRACTS = {contract.subject: contract for contract in (*OF_PERSONS, OwnershipChanged, EventRecorded)}


@dataclass
class Told:
    """Persons by number with their state and whom they ended in, owners by subject, events by source and message id."""

    states: dict[int, tuple[str, int]] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)
    owners: dict[int, list[OwnershipChanged]] = field(default_factory=dict)
    events: Counter[tuple[int, str]] = field(default_factory=Counter)
    out_of_order: list[str] = field(default_factory=list)

    def state(self, person_no: int, version: int, state: str, into: int = 0) -> None:
        """Say what a person is from a version on."""
        if version >= self.versions.get(person_no, 0) and self.states.get(person_no, ("", 0))[0] != "erased":
            self.versions[person_no], self.states[person_no] = version, (state, into)

    def survivor(self, person_no: int) -> int:
        """Return whom a person leads to."""
        for _ in range(len(self.states)):
            state, into = self.states.get(person_no, ("", 0))
            if state != "merged":
                return person_no
            person_no = into
        return 0


def listen(lines: Iterable[tuple[str, bytes]]) -> Told:
    """Return what was told; events that came twice under one id count once."""
    told, seen, newest = Told(), set(), dict[tuple[str, int], int]()
    for subject, line in lines:
        contract = CONTRACTS.get(subject.rsplit(".", 1)[0])
        if contract is None or not line:
            continue
        event = msgspec.json.decode(line, type=contract)
        if event.id in seen:
            continue
        seen.add(event.id)
        if isinstance(event, OF_PERSONS):
            place = contract.subject, event.person_no
            if event.graph_version < newest.get(place, 0):
                told.out_of_order.append(f"{place} was told version {event.graph_version} after {newest[place]}")
            newest[place] = max(event.graph_version, newest.get(place, 0))
        _hear(told, event)
    return told


def _hear(told: Told, event: object) -> None:
    match event:
        case EventRecorded():
            told.events[event.source_id, event.message_id] += 1
        case OwnershipChanged():
            told.owners.setdefault(event.subject_no, []).append(event)
        case PersonCreated() | PersonMerged() | PersonSplit() | PersonErased():
            for number, state, into in _states(event):
                told.state(number, event.graph_version, state, into)


def _states(event: PersonCreated | PersonMerged | PersonSplit | PersonErased) -> list[tuple[int, str, int]]:
    """Return what an event says of persons: number, state, and whom he ended in."""
    match event:
        case PersonCreated():
            return [(event.person_no, "active", 0)]
        case PersonMerged():
            return [(one.person_no, "merged", event.person_no) for one in event.absorbed]
        case PersonSplit():
            return [(part.person_no, "active", 0) for part in event.parts]
    return [(number, "erased", 0) for number in (event.person_no, *event.retired_nos)]
