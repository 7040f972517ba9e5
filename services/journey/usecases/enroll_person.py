"""A call brings a person into a journey."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from libs.common.db import Tx
from libs.common.errors import Conflict, NotFound
from libs.common.ids import new_id
from libs.common.personal import Sealer, split_personal
from services.journey.domain.filters import all_hold
from services.journey.store.graphs import Graphs
from services.journey.store.journeys import get_journey
from services.journey.store.persons import lock_persons
from services.journey.store.signals import Sighting
from services.journey.usecases.enter_journeys import entrant_of, start


class Enrolment(NamedTuple):
    """Whether a run was started, and which; why not otherwise."""

    run_id: UUID | None
    reason: str = ""


async def enroll_person(
    tx: Tx,
    *,
    workspace_id: int,
    journey_id: UUID,
    person_no: int,
    person_id: UUID,
    properties: Mapping[str, Any],
    graphs: Graphs,
    sealer: Sealer,
    personal_names: Mapping[str, bool],
    now: datetime,
) -> Enrolment:
    """Start a run unless filters, re-entry or concurrency forbid it; `properties` stand for the entry event's."""
    journey = await get_journey(tx, workspace_id=workspace_id, journey_id=journey_id)
    if journey is None:
        raise NotFound("there is no such journey")
    if journey.status != "live":
        raise Conflict(f"the journey is {journey.status}; only live ones take people in")
    opening = (workspace_id, journey_id, journey.version)
    graph = (await graphs.of(tx, [opening]))[opening]
    if not all_hold(graph.definition.entry.filter, properties, {}):
        return Enrolment(None, "filter")
    await lock_persons(tx, [(workspace_id, person_no)])
    plain, personal = split_personal(properties, overrides=personal_names)
    sighting = Sighting(
        workspace_id=workspace_id, person_no=person_no, person_id=person_id, subject_no=0, name="", at=now,
        event_id=new_id(), received_at=now, properties=msgspec.json.encode(plain).decode(),
        sealed=sealer.seal_json({"properties": personal, "traits": {}, "context": {}}) if personal else None,
    )  # fmt: skip
    entrant = entrant_of(sighting, graph, properties, sealer)
    started = await start(tx, [entrant], opening=opening, graph=graph, now=now)
    return Enrolment(started[0]) if started else Enrolment(None, "re_entry")
