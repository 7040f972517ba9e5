"""The consumer's side: asking for a replay, in the service that is to be rebuilt."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from libs.common.bus.subscription import Subscription
from libs.common.db import Tx
from libs.common.errors import Conflict, NotFound
from libs.common.ids import new_id
from libs.common.replay import store

if TYPE_CHECKING:
    from libs.common.runtime import Runtime


def rebuildable(runtime: "Runtime[Any]", within: str | None = None) -> dict[str, Subscription[Any]]:
    """Return the consumers of this service that can be told everything again, by name; in a greater rebuild, or all."""
    return {
        name: subscription
        for name, subscription in runtime.subscribers.items()
        if subscription.again is not None and within in {None, subscription.again_within}
    }


async def ask_replay(
    tx: Tx,
    runtime: "Runtime[Any]",
    *,
    workspace_id: int,
    consumers: Sequence[str],
    within: str = "",
    since: datetime | None = None,
) -> list[UUID]:
    """Let consumers be told everything of their contracts again, by themselves or `within` a greater rebuild.

    Returns the replays.
    What they handled before `since` (now, when None) is applied once more, what they handle from then on is not.
    Raises NotFound for a consumer that cannot be rebuilt so, Conflict while one of them is.
    """
    known = rebuildable(runtime, within)
    unknown = [name for name in consumers if name not in known]
    if unknown:
        named = ", ".join(known) or "none"
        raise NotFound(f"no consumer that can be rebuilt is named {unknown[0]}; there are: {named}")
    instant = since or await store.hold_inbox(tx)
    made: list[UUID] = []
    for name in consumers:
        replay_id = new_id()
        subject = known[name].contract.subject
        if not await store.add(
            tx, replay_id=replay_id, workspace_id=workspace_id, consumer=name, subject=subject, since=instant
        ):
            raise Conflict(f"{name} is being told everything again already")
        made.append(replay_id)
    tx.after_commit(lambda: runtime.wake("apply_replays"))
    return made
