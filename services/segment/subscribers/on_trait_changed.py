"""Traits, personal ones too, go to the columnar store."""

from collections import defaultdict
from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.profile.trait_changed import TraitChanged
from libs.common.db import Tx
from libs.common.personal import Sealer
from libs.common.runtime import Runtime
from services.segment.store.rows import decode
from services.segment.usecases.stage_traits import TraitFact, stage_traits


async def handle(tx: Tx, events: list[TraitChanged], runtime: Runtime[Any]) -> None:
    """Stage the values and touch their persons."""
    await _stage(tx, events, runtime, is_news=True)
    tx.after_commit(lambda: runtime.wake("answer_rounds"))


async def handle_again(tx: Tx, events: list[TraitChanged], runtime: Runtime[Any]) -> None:
    """Stage the values for a columnar store that is being rebuilt: nobody is asked again because of them."""
    await _stage(tx, events, runtime, is_news=False)


async def _stage(tx: Tx, events: list[TraitChanged], runtime: Runtime[Any], *, is_news: bool) -> None:
    by_workspace: dict[int, list[TraitChanged]] = defaultdict(list)
    for event in events:
        by_workspace[event.workspace_id].append(event)
    for workspace_id, changes in by_workspace.items():
        sealer = runtime.sealer(workspace_id)
        facts = [_fact(change, sealer) for change in changes]
        await stage_traits(tx, workspace_id=workspace_id, facts=facts, sealer=sealer, is_news=is_news)


def _fact(event: TraitChanged, sealer: Sealer) -> TraitFact:
    value: object = None
    if not event.removed:
        value = sealer.open_json(event.sealed) if event.sealed is not None else decode(event.value)
    return TraitFact(
        person_no=event.person_no,
        name=event.name,
        value=value,
        version=event.version,
        since=event.since,
        received_at=event.received_at,
        event_id=event.id,
        personal=event.sealed is not None,
        silent=event.silent,
    )


subscription = Subscription(
    contract=TraitChanged, handle=handle, again=handle_again, again_within="columnar", name="on_trait_changed"
)
