"""Persons come to be known."""

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_created import PersonCreated
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.profile.usecases.place_persons import place_persons


async def handle(tx: Tx, events: list[PersonCreated], _runtime: Runtime[None]) -> None:
    """Note the persons."""
    await place_persons(tx, events)


subscription = Subscription(contract=PersonCreated, handle=handle, name="on_person_created")
