"""Messaging has deleted what it held of an erased person."""

from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.messaging.message_forgotten import MessageForgotten
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.identity.usecases.keep_receipts import keep_receipts


async def handle(tx: Tx, events: list[MessageForgotten], _runtime: Runtime[Any]) -> None:
    """Keep its receipts."""
    await keep_receipts(tx, "messaging", events)


subscription = Subscription(contract=MessageForgotten, handle=handle, name="on_message_forgotten")
