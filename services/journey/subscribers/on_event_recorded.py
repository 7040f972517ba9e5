"""An event was recorded: it may bring its person into journeys, move runs, and reach goals."""

from typing import Any

import msgspec

from libs.common.bus import Subscription
from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.journey.domain.signal import is_reserved
from services.journey.store.memory import JourneyMemory
from services.journey.store.signals import Sighting
from services.journey.usecases.hear_signals import Surroundings, hear_signals


async def handle(tx: Tx, events: list[EventRecorded], runtime: Runtime[JourneyMemory]) -> None:
    """Take in the events somebody listens to."""
    triggers, now = await runtime.parts.triggers.current(tx, {event.workspace_id for event in events})
    heard = [
        event for event in events if event.workspace_id in triggers and triggers[event.workspace_id].knows(event.name)
    ]
    if not heard:
        return
    sealers = {workspace_id: runtime.sealer(workspace_id) for workspace_id in {event.workspace_id for event in heard}}
    sightings = [s for event in heard if (s := _sighting(event)) is not None]
    if await hear_signals(tx, sightings, around=Surroundings(triggers, now, sealers)):
        tx.after_commit(lambda: runtime.wake("advance_due_runs"))


def _sighting(event: EventRecorded) -> Sighting | None:
    if event.person_id is None or event.person_no == 0 or is_reserved(event.name):
        return None
    return Sighting(
        workspace_id=event.workspace_id,
        person_no=event.person_no,
        person_id=event.person_id,
        subject_no=event.subject_no,
        name=event.name,
        at=event.occurred_at,
        event_id=event.id,
        received_at=event.received_at,
        properties=bytes(event.properties).decode(),
        sealed=event.sealed,
        zone=_zone(event),
        may_enter=event.live,
    )


def _zone(event: EventRecorded) -> str | None:
    context: Any = msgspec.json.decode(event.context)
    zone = context.get("timezone") if isinstance(context, dict) else None
    return zone if isinstance(zone, str) and 0 < len(zone) <= 100 and "\0" not in zone else None


subscription = Subscription(contract=EventRecorded, handle=handle, name="on_event_recorded")
