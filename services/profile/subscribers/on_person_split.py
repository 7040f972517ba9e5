"""One person turns out to be several."""

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_split import PersonSplit
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.profile.usecases.place_persons import place_persons


async def handle(tx: Tx, events: list[PersonSplit], _runtime: Runtime[None]) -> None:
    """Take the redirects back."""
    await place_persons(tx, events)


subscription = Subscription(contract=PersonSplit, handle=handle, name="on_person_split")
