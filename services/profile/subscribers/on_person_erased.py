"""Persons ask to be forgotten."""

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.profile.usecases.erase_person import erase_person
from services.profile.usecases.means import means_of


async def handle(tx: Tx, events: list[PersonErased], runtime: Runtime[None]) -> None:
    """Delete all that is held of them."""
    # one by one: erasures are rare, and each leaves a receipt of its own
    for event in events:
        await erase_person(tx, event, means=means_of(runtime))


subscription = Subscription(contract=PersonErased, handle=handle, name="on_person_erased", batch_events=20)
