"""A split gives each part its own events back."""

from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_split import PersonSplit
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.segment.store.persons import hold_to_change
from services.segment.usecases.split_person import split_person


async def handle(tx: Tx, events: list[PersonSplit], runtime: Runtime[Any]) -> None:
    """Apply the splits one after the other, in graph order."""
    whom = (
        (event.workspace_id, who)
        for event in events
        for who in [event.person_no, *(part.person_no for part in event.parts)]
    )
    await hold_to_change(tx, whom)
    for event in sorted(events, key=lambda split: split.graph_version):
        await split_person(
            tx,
            workspace_id=event.workspace_id,
            remaining=event.person_no,
            parts=[(part.person_no, part.person_id, part.subject_nos, part.revived) for part in event.parts],
            version=event.graph_version,
            event_id=event.id,
            received_at=event.received_at,
        )
    tx.after_commit(lambda: runtime.wake("answer_rounds"))


subscription = Subscription(contract=PersonSplit, handle=handle, name="on_person_split")
