"""One person turned out to be several: those who left are themselves again."""

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_split import PersonSplit
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.messaging.clients.parts import Parts
from services.messaging.store.merges import point_persons


async def handle(tx: Tx, events: list[PersonSplit], runtime: Runtime[Parts]) -> None:
    """Let the persons stand for themselves; what was sent while they were one stays counted where it was sent."""
    del runtime
    for event in events:
        pointers = [(event.person_no, 0), *((part.person_no, 0) for part in event.parts)]
        await point_persons(tx, event.workspace_id, pointers, graph_version=event.graph_version)


subscription = Subscription(contract=PersonSplit, handle=handle, name="on_person_split")
