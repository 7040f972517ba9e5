"""The service's own rule over a neighbourhood, without the service: reading, canonical forms, evidence, persons."""

from collections.abc import Hashable, Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.access.model import Source
from libs.common.registry import discover
from services.identity import namespaces
from services.identity.domain.columns import columns_of
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.policy import NamespaceKind, PolicySet
from services.identity.domain.reading import RecordedCall, namespaces_by_name, read_evidence
from services.identity.domain.rebuild import rebuild
from world.arrivals import Arrival
from world.neighbourhoods import Neighbourhood
from world.scores import Tally, tally
from world.shape import END, SOURCES

WORKSPACE = 1


class Judge:
    """Reads arrivals as the resolver does and tells whose each identifier is."""

    def __init__(self) -> None:
        kinds = discover(namespaces, "namespace", NamespaceKind)
        self._kinds = namespaces_by_name(kinds)
        self.policies = PolicySet(1, {kind.name: kind.policy for kind in kinds})
        self._sources = {
            name: msgspec.convert(
                {"source_id": number, "workspace_id": WORKSPACE, "key": name, "name": name, "default_region": "CN"}
                | declared,
                Source,
            )
            for number, (name, declared) in enumerate(SOURCES.items(), 1)
        }

    def evidence_of(self, arrival: Arrival) -> list[Evidence]:
        """Return what an arrival says, canonical and numbered as the service would."""
        if arrival.is_fact:
            return [self._fact(arrival)]
        source, body = self._sources[arrival.source], arrival.body
        call = RecordedCall(
            workspace_id=WORKSPACE,
            event_id=UUID(int=arrival.number),
            source_id=source.source_id,
            received_at=arrival.received_at,
            event_time=datetime.fromisoformat(body["timestamp"]),
            original_time=None,
            kind=body["type"],
            name=body.get("event", ""),
            message_id=body["messageId"],
            imported=False,
            live=True,
            body=body,
        )
        read = read_evidence(call, source, self._kinds, self.policies).evidence
        return [msgspec.structs.replace(said, part=part) if part else said for part, said in enumerate(read)]

    def _fact(self, arrival: Arrival) -> Evidence:
        body = arrival.body
        return Evidence(
            event_id=UUID(int=arrival.number),
            source_id=0,
            kind=body["kind"],
            tier=body["tier"],
            event_time=datetime.fromisoformat(body["time"]),
            first_received_at=arrival.received_at,
            identifiers=tuple(Identifier(**one) for one in body["identifiers"]),
        )

    def evidence(self, arrivals: Iterable[Arrival]) -> list[Evidence]:
        """Return all that arrivals say; repeats included."""
        return [said for arrival in arrivals for said in self.evidence_of(arrival)]

    def persons(self, neighbourhood: Neighbourhood) -> dict[Identifier, Hashable]:
        """Return the person of every identifier of a neighbourhood, as the service rebuilds a workspace."""
        columns, names = columns_of(self.evidence(neighbourhood.arrivals))
        told = rebuild(columns, lambda nodes: [names[one] for one in nodes], self.policies, END)
        return dict(zip(names, told.person.tolist(), strict=True))


def score(neighbourhood: Neighbourhood, found: dict[Identifier, Hashable]) -> Tally:
    """Compare a neighbourhood's truth with the persons found; identifiers that nobody saw are left out."""
    return tally(
        (found[identifier], one.human, one.cause)
        for one in neighbourhood.truth
        if one.human is not None and (identifier := Identifier(*one.name)) in found
    )


def tellable(neighbourhood: Neighbourhood, found: dict[Identifier, Hashable]) -> Tally:
    """Compare with what the events could tell at all: a human whose parts nothing connects counts as several."""
    return tally(
        (found[identifier], (one.human, one.group), one.cause)
        for one in neighbourhood.truth
        if one.human is not None
        and (identifier := Identifier(*one.name)) in found
        and not (one.group == 0 and one.cause)
    )
