"""Persons turn out to be one."""

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_merged import PersonMerged
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.profile.usecases.place_persons import place_persons


async def handle(tx: Tx, events: list[PersonMerged], _runtime: Runtime[None]) -> None:
    """Note the redirects."""
    await place_persons(tx, events)


subscription = Subscription(contract=PersonMerged, handle=handle, name="on_person_merged")
