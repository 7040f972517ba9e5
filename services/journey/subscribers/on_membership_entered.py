"""A person entered a segment."""

from libs.common.bus import Subscription
from libs.common.contracts.segment.membership_entered import MembershipEntered
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.journey.store.memory import JourneyMemory
from services.journey.usecases.hear_memberships import hear_memberships


async def handle(tx: Tx, events: list[MembershipEntered], runtime: Runtime[JourneyMemory]) -> None:
    """Take in the changes of segments that some journey listens to."""
    triggers, now = await runtime.parts.triggers.current(tx, {event.workspace_id for event in events})
    sealers = {workspace_id: runtime.sealer(workspace_id) for workspace_id in now}
    if await hear_memberships(tx, events, "entered", triggers=triggers, now=now, sealers=sealers):
        tx.after_commit(lambda: runtime.wake("advance_due_runs"))


subscription = Subscription(contract=MembershipEntered, handle=handle, name="on_membership_entered")
