"""Segment has deleted what it held of an erased person."""

from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.segment.membership_forgotten import MembershipForgotten
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.identity.usecases.keep_receipts import keep_receipts


async def handle(tx: Tx, events: list[MembershipForgotten], _runtime: Runtime[Any]) -> None:
    """Keep its receipts."""
    await keep_receipts(tx, "segment", events)


subscription = Subscription(contract=MembershipForgotten, handle=handle, name="on_membership_forgotten")
