"""New persons join the universe."""

from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_created import PersonCreated
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.segment.usecases.add_persons import Newcomer, add_persons


async def handle(tx: Tx, events: list[PersonCreated], runtime: Runtime[Any]) -> None:
    """Add the persons; who has done nothing may be a member too."""
    for workspace_id in dict.fromkeys(event.workspace_id for event in events):
        newcomers = [
            Newcomer(event.person_no, event.person_id, event.graph_version, event.revived, event.id, event.received_at)
            for event in events
            if event.workspace_id == workspace_id
        ]
        await add_persons(tx, workspace_id=workspace_id, newcomers=newcomers)
    tx.after_commit(lambda: runtime.wake("answer_rounds"))


subscription = Subscription(contract=PersonCreated, handle=handle, name="on_person_created")
