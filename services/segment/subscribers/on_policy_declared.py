"""What silence means is taken over: the segments that ask for consent are computed again."""

from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.profile.policy_declared import PolicyDeclared
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.segment.domain.silence import Silence
from services.segment.usecases.take_silence import take_silence


async def handle(tx: Tx, events: list[PolicyDeclared], runtime: Runtime[Any]) -> None:
    """Keep the newest declarations of each workspace."""
    newest: dict[int, PolicyDeclared] = {}
    for event in events:
        newest[event.workspace_id] = max(newest.get(event.workspace_id, event), event, key=lambda one: one.version)
    for workspace_id, event in newest.items():
        declared = frozenset((one.purpose, one.channel, one.opt_out) for one in event.declared)
        await take_silence(tx, workspace_id=workspace_id, silence=Silence(declared, event.version))
    tx.after_commit(lambda: runtime.wake("answer_rounds"))


subscription = Subscription(contract=PolicyDeclared, handle=handle, again=handle, name="on_policy_declared")
