"""Identifiers change hands."""

from libs.common.bus import Subscription
from libs.common.contracts.identity.ownership_changed import OwnershipChanged
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.profile.usecases.means import means_of
from services.profile.usecases.take_ownership import take_ownership


async def handle(tx: Tx, events: list[OwnershipChanged], runtime: Runtime[None]) -> None:
    """Move facts, consents and contact points with their identifiers."""
    await take_ownership(tx, events, means=means_of(runtime))


subscription = Subscription(contract=OwnershipChanged, handle=handle, again=handle, name="on_ownership_changed")
