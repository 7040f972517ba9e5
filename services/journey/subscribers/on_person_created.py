"""Somebody is seen, or back."""

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_created import PersonCreated
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.journey.store.memory import JourneyMemory
from services.journey.usecases.follow_returns import follow_returns


async def handle(tx: Tx, events: list[PersonCreated], runtime: Runtime[JourneyMemory]) -> None:
    """Give whoever is back his runs."""
    if await follow_returns(tx, events, now_of=runtime.now):
        tx.after_commit(lambda: runtime.wake("advance_due_runs"))


subscription = Subscription(contract=PersonCreated, handle=handle, again=handle, name="on_person_created")
