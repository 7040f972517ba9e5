"""Somebody is seen, or back."""

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_created import PersonCreated
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.messaging.clients.parts import Parts
from services.messaging.usecases.follow_returns import follow_returns


async def handle(tx: Tx, events: list[PersonCreated], runtime: Runtime[Parts]) -> None:
    """Give whoever is back his messages."""
    del runtime
    await follow_returns(tx, events)


subscription = Subscription(contract=PersonCreated, handle=handle, again=handle, name="on_person_created")
