"""Touchpoints' events come in."""

from libs.common.bus import Subscription
from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.profile.usecases.means import means_of
from services.profile.usecases.record_events import record_events


async def handle(tx: Tx, events: list[EventRecorded], runtime: Runtime[None]) -> None:
    """Keep what the events say of their persons."""
    await record_events(tx, events, means=means_of(runtime))


subscription = Subscription(contract=EventRecorded, handle=handle, again=handle, name="on_event_recorded")
