"""People allow and withdraw that their identifiers are linked."""

from libs.common.bus import Subscription
from libs.common.contracts.profile.permission_changed import PermissionChanged
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.identity.usecases.identity_parts import IdentityParts
from services.identity.usecases.take_permissions import take_permissions


async def handle(tx: Tx, events: list[PermissionChanged], runtime: Runtime[IdentityParts]) -> None:
    """Part and join what consent parts and joins."""
    await take_permissions(tx, events, runtime.parts.graph)


subscription = Subscription(contract=PermissionChanged, handle=handle, again=handle, name="on_permission_changed")
