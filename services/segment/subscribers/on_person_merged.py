"""A merge shows at once."""

from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_merged import PersonMerged
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.segment.store.persons import hold_to_change
from services.segment.usecases.merge_persons import merge_persons


async def handle(tx: Tx, events: list[PersonMerged], runtime: Runtime[Any]) -> None:
    """Let each survivor have the events of the absorbed; merges apply one after the other, in graph order."""
    whom = (
        (event.workspace_id, who)
        for event in events
        for who in [event.person_no, *(one.person_no for one in event.absorbed)]
    )
    await hold_to_change(tx, whom)
    for event in sorted(events, key=lambda merged: merged.graph_version):
        await merge_persons(
            tx,
            workspace_id=event.workspace_id,
            survivor=event.person_no,
            survivor_id=event.person_id,
            absorbed={absorbed.person_no: absorbed.person_id for absorbed in event.absorbed},
            version=event.graph_version,
            event_id=event.id,
            received_at=event.received_at,
        )
    tx.after_commit(lambda: runtime.wake("answer_rounds"))


subscription = Subscription(contract=PersonMerged, handle=handle, name="on_person_merged")
