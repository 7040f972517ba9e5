"""Journey has deleted what it held of an erased person."""

from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.journey.run_forgotten import RunForgotten
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.identity.usecases.keep_receipts import keep_receipts


async def handle(tx: Tx, events: list[RunForgotten], _runtime: Runtime[Any]) -> None:
    """Keep its receipts."""
    await keep_receipts(tx, "journey", events)


subscription = Subscription(contract=RunForgotten, handle=handle, name="on_run_forgotten")
