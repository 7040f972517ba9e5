"""Profile has deleted what it held of an erased person."""

from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.profile.profile_forgotten import ProfileForgotten
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.identity.usecases.keep_receipts import keep_receipts


async def handle(tx: Tx, events: list[ProfileForgotten], _runtime: Runtime[Any]) -> None:
    """Keep its receipts."""
    await keep_receipts(tx, "profile", events)


subscription = Subscription(contract=ProfileForgotten, handle=handle, name="on_profile_forgotten")
