"""A person is to be forgotten."""

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.journey.store.memory import JourneyMemory
from services.journey.store.persons import lock_everybody
from services.journey.usecases.forget_person import forget_person


async def handle(tx: Tx, events: list[PersonErased], runtime: Runtime[JourneyMemory]) -> None:
    """Apply the news one by one in the order of the graph: each may change whom the next concerns."""
    _, now = await runtime.parts.triggers.current(tx, {event.workspace_id for event in events})
    await lock_everybody(tx, now)
    for event in sorted(events, key=lambda e: e.graph_version):
        await forget_person(tx, event, now=now[event.workspace_id])
    tx.after_commit(lambda: runtime.wake("advance_due_runs"))


subscription = Subscription(contract=PersonErased, handle=handle, name="on_person_erased")
