"""Traits of accounts go to the columnar store."""

from collections import defaultdict
from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.profile.account_changed import AccountChanged
from libs.common.db import Tx
from libs.common.personal import Sealer
from libs.common.runtime import Runtime
from services.segment.store.rows import decode
from services.segment.usecases.stage_account_traits import AccountFact, stage_account_traits


async def handle(tx: Tx, events: list[AccountChanged], runtime: Runtime[Any]) -> None:
    """Stage the values and touch who belongs to the accounts."""
    await _stage(tx, events, runtime, is_news=True)
    tx.after_commit(lambda: runtime.wake("answer_rounds"))


async def handle_again(tx: Tx, events: list[AccountChanged], runtime: Runtime[Any]) -> None:
    """Stage the values for a columnar store that is being rebuilt: nobody is asked again because of them."""
    await _stage(tx, events, runtime, is_news=False)


async def _stage(tx: Tx, events: list[AccountChanged], runtime: Runtime[Any], *, is_news: bool) -> None:
    by_workspace: dict[int, list[AccountChanged]] = defaultdict(list)
    for event in events:
        by_workspace[event.workspace_id].append(event)
    for workspace_id, changes in by_workspace.items():
        sealer = runtime.sealer(workspace_id)
        facts = [_fact(change, sealer) for change in changes]
        await stage_account_traits(tx, workspace_id=workspace_id, facts=facts, sealer=sealer, is_news=is_news)


def _fact(event: AccountChanged, sealer: Sealer) -> AccountFact:
    value: object = None
    if not event.removed:
        value = sealer.open_json(event.sealed) if event.sealed is not None else decode(event.value)
    return AccountFact(
        account=event.account,
        name=event.name,
        value=value,
        version=event.version,
        since=event.since,
        received_at=event.received_at,
        event_id=event.id,
        personal=event.sealed is not None,
    )


subscription = Subscription(
    contract=AccountChanged, handle=handle, again=handle_again, again_within="columnar", name="on_account_changed"
)
