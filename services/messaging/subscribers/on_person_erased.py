"""A person asked to be forgotten."""

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.messaging.clients.parts import Parts
from services.messaging.store.merges import erase_person
from services.messaging.store.persons import lock_persons
from services.messaging.store.suppressions import add_suppressions


async def handle(tx: Tx, events: list[PersonErased], runtime: Runtime[Parts]) -> None:
    """Delete what is held about him; his addresses stay on the suppression list as keyed hashes only."""
    for event in events:
        now = runtime.now(event.workspace_id)
        await lock_persons(tx, event.workspace_id, [event.person_no])
        lookups = await erase_person(tx, event.workspace_id, event.person_no, now=now)
        entries = [(lookup, "", "erased") for lookup in lookups]
        await add_suppressions(tx, event.workspace_id, entries, now=now)


subscription = Subscription(contract=PersonErased, handle=handle, name="on_person_erased")
