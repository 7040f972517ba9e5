"""Messages go their way."""

from libs.common.bus import Subscription
from libs.common.contracts.messaging.message_progressed import MessageProgressed
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.profile.usecases.means import means_of
from services.profile.usecases.record_progress import record_messages


async def handle(tx: Tx, events: list[MessageProgressed], runtime: Runtime[None]) -> None:
    """Keep what became of messages."""
    await record_messages(tx, events, means=means_of(runtime))


subscription = Subscription(contract=MessageProgressed, handle=handle, again=handle, name="on_message_progressed")
