"""A person asked to be forgotten."""

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.messaging.clients.parts import Parts
from services.messaging.usecases.forget_person import forget_person


async def handle(tx: Tx, events: list[PersonErased], runtime: Runtime[Parts]) -> None:
    """Delete what is held about him."""
    for event in events:  # erasures are rare, and each has a receipt of its own
        await forget_person(tx, event, now=runtime.now(event.workspace_id))


subscription = Subscription(contract=PersonErased, handle=handle, name="on_person_erased")
