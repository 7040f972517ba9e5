"""What type a trait is declared to have decides which operators may be put to it."""

from collections import defaultdict
from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.profile.trait_declared import TraitDeclared
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.segment.store.trait_types import keep_types


async def handle(tx: Tx, events: list[TraitDeclared], _runtime: Runtime[Any]) -> None:
    """Keep, per trait, the fact with the greatest version; what is published stays."""
    by_workspace: dict[int, list[tuple[str, str | None, int]]] = defaultdict(list)
    for event in events:
        by_workspace[event.workspace_id].append((event.name, event.type, event.version))
    for workspace_id, declared in by_workspace.items():
        await keep_types(tx, workspace_id, declared)


subscription = Subscription(contract=TraitDeclared, handle=handle, name="on_trait_declared")
