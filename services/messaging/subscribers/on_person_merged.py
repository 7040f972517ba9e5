"""Persons turned out to be one."""

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_merged import PersonMerged
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.messaging.clients.parts import Parts
from services.messaging.usecases.merge_persons import merge_persons


async def handle(tx: Tx, events: list[PersonMerged], runtime: Runtime[Parts]) -> None:
    """Add the counts of the merged and let what both were to get be sent once."""
    for event in events:  # merges are few, and each may build on the one before
        await merge_persons(
            tx,
            event.workspace_id,
            survivor=event.person_no,
            absorbed=[absorbed.person_no for absorbed in event.absorbed],
            graph_version=event.graph_version,
            now=runtime.now(event.workspace_id),
        )


subscription = Subscription(contract=PersonMerged, handle=handle, name="on_person_merged")
