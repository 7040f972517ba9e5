"""A message was sent or dropped: the run that asked for it may have waited for that."""

from libs.common.bus import Subscription
from libs.common.contracts.messaging.message_progressed import MessageProgressed
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.journey.store.memory import JourneyMemory
from services.journey.store.signals import OutcomeRow
from services.journey.usecases.hear_outcomes import hear_outcomes


async def handle(tx: Tx, events: list[MessageProgressed], runtime: Runtime[JourneyMemory]) -> None:
    """Keep the outcomes of the messages that runs asked for, and wake those that wait for them."""
    outcomes = [
        OutcomeRow(
            event.workspace_id, event.run_id, event.id, event.node, event.visit, event.state, event.reason,
            event.channel, event.occurred_at,
        )
        for event in events
        if event.run_id is not None
    ]  # fmt: skip
    _, now = await runtime.parts.triggers.current(tx, {event.workspace_id for event in events})
    if outcomes and await hear_outcomes(tx, outcomes, now=now):
        tx.after_commit(lambda: runtime.wake("advance_due_runs"))


subscription = Subscription(contract=MessageProgressed, handle=handle, name="on_message_progressed")
