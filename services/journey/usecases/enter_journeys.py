"""Persons enter the live journeys that a signal opens to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.db import Tx
from libs.common.ids import new_id
from libs.common.personal import Sealer
from services.journey.domain.entry_key import entry_key
from services.journey.domain.filters import all_hold
from services.journey.domain.graph import Graph
from services.journey.store.entries import Entrant, start_runs
from services.journey.store.signals import Sighting, read_properties
from services.journey.store.triggers import Triggers

_Opening = tuple[int, UUID, int]


async def enter_journeys(
    tx: Tx,
    sightings: Sequence[Sighting],
    *,
    triggers: Mapping[int, Triggers],
    now: Mapping[int, datetime],
    sealers: Mapping[int, Sealer],
) -> int:
    """Start the runs, journey by journey, and return how many."""
    entrants: dict[_Opening, list[Entrant]] = {}
    graphs: dict[_Opening, Graph] = {}
    for sighting in sorted(sightings, key=lambda s: (s.at, s.event_id)):
        openings = triggers[sighting.workspace_id].entries.get(sighting.name)
        if not openings:
            continue
        sealer = sealers[sighting.workspace_id]
        everything = read_properties(sighting.properties, sighting.sealed, sealer)
        for journey_id, version, graph in openings:
            entry = graph.definition.entry
            if not entry.admits_cause(sighting.cause) or not all_hold(entry.filter, everything, {}):
                continue
            opening = (sighting.workspace_id, journey_id, version)
            graphs[opening] = graph
            entrants.setdefault(opening, []).append(entrant_of(sighting, graph, everything, sealer))
    started = 0
    for opening, entering in entrants.items():
        started += len(await start(tx, entering, opening=opening, graph=graphs[opening], now=now[opening[0]]))
    return started


def entrant_of(sighting: Sighting, graph: Graph, everything: Mapping[str, Any], sealer: Sealer) -> Entrant:
    """Return a person on the threshold of a journey."""
    definition = graph.definition
    key = ""
    if definition.key_paths:
        plain = everything if sighting.sealed is None else read_properties(sighting.properties, None, sealer)
        key = entry_key(
            definition.key_paths, plain, everything, lambda text: sealer.lookup("entry key", text.encode()).hex()
        )
    window = definition.goal.window if definition.goal else None
    return Entrant(
        run_id=new_id(),
        person_no=sighting.person_no,
        person_id=sighting.person_id,
        subject_no=sighting.subject_no,
        entry_key=key,
        event_id=sighting.event_id,
        entry_time=sighting.at,
        goal_until=window.after(sighting.at) if window else None,
        context=sighting.properties,
        sealed=sighting.sealed,
        zone=sighting.zone,
        received_at=sighting.received_at,
    )


async def start(tx: Tx, entrants: list[Entrant], *, opening: _Opening, graph: Graph, now: datetime) -> list[UUID]:
    """Start the runs of one journey and return their ids."""
    workspace_id, journey_id, version = opening
    return await start_runs(
        tx, entrants, workspace_id=workspace_id, journey_id=journey_id, version=version,
        exclusive=graph.definition.is_exclusive, gap=graph.definition.re_entry_gap, now=now,
    )  # fmt: skip
