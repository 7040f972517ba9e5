"""A person is several."""

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_split import PersonSplit
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.journey.store.memory import JourneyMemory
from services.journey.store.persons import lock_everybody
from services.journey.usecases.follow_split import follow_split


async def handle(tx: Tx, events: list[PersonSplit], runtime: Runtime[JourneyMemory]) -> None:
    """Apply the news one by one in the order of the graph: each may change whom the next concerns."""
    _, now = await runtime.parts.triggers.current(tx, {event.workspace_id for event in events})
    await lock_everybody(tx, now)
    for event in sorted(events, key=lambda e: e.graph_version):
        await follow_split(tx, event, now=now[event.workspace_id])
    tx.after_commit(lambda: runtime.wake("advance_due_runs"))


subscription = Subscription(contract=PersonSplit, handle=handle, name="on_person_split")
