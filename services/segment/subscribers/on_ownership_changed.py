"""An identifier's events follow it to its new owner."""

from collections import defaultdict
from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.identity.ownership_changed import VISITOR_NAMESPACES, OwnershipChanged
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.segment.store.spans import OwnershipFact
from services.segment.usecases.change_owners import change_owners


async def handle(tx: Tx, events: list[OwnershipChanged], runtime: Runtime[Any]) -> None:
    """Keep, per subject and time, the fact with the greatest version."""
    by_workspace: dict[int, list[OwnershipChanged]] = defaultdict(list)
    for event in events:
        by_workspace[event.workspace_id].append(event)
    for workspace_id, changes in by_workspace.items():
        newest = max(changes, key=lambda change: change.received_at)
        await change_owners(
            tx,
            workspace_id=workspace_id,
            facts=[
                OwnershipFact(
                    change.subject_no,
                    change.person_no,
                    change.version,
                    change.since,
                    change.until,
                    naming=change.namespace not in VISITOR_NAMESPACES,
                )
                for change in changes
            ],
            event_id=newest.id,
            received_at=newest.received_at,
        )
    tx.after_commit(lambda: runtime.wake("answer_rounds"))


# told again it says whom an identifier names, where that was not known
subscription = Subscription(
    contract=OwnershipChanged, handle=handle, again=handle, again_within="columnar", name="on_ownership_changed"
)
