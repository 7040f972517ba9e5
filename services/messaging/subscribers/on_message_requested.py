"""A journey asks for a message."""

from libs.common.bus import Subscription
from libs.common.contracts.journey.message_requested import MessageRequested
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.messaging.clients.parts import Parts
from services.messaging.usecases.accept_requests import accept_requests


async def handle(tx: Tx, events: list[MessageRequested], runtime: Runtime[Parts]) -> None:
    """Take the requests into the ledger."""
    await accept_requests(tx, events, runtime.now)
    tx.after_commit(lambda: runtime.wake("send_due_messages"))


subscription = Subscription(contract=MessageRequested, handle=handle, name="on_message_requested")
