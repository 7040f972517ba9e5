"""Collected events go to the columnar store."""

from collections import defaultdict
from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.segment.store.rows import decode_object
from services.segment.usecases.stage_events import Happening, stage_events


async def handle(tx: Tx, events: list[EventRecorded], runtime: Runtime[Any]) -> None:
    """Stage the events and touch their persons."""
    await _stage(tx, events, is_news=True)
    tx.after_commit(lambda: runtime.wake("answer_rounds"))


async def handle_again(tx: Tx, events: list[EventRecorded], _runtime: Runtime[Any]) -> None:
    """Stage them for a columnar store that is being rebuilt: nobody is asked again because of them."""
    await _stage(tx, events, is_news=False)


async def _stage(tx: Tx, events: list[EventRecorded], *, is_news: bool) -> None:
    by_workspace: dict[int, list[Happening]] = defaultdict(list)
    for event in events:
        by_workspace[event.workspace_id].append(_happening(event))
    for workspace_id, happenings in by_workspace.items():
        await stage_events(tx, workspace_id=workspace_id, happenings=happenings, is_news=is_news)


def _happening(event: EventRecorded) -> Happening:
    return Happening(
        name=event.name,
        person_no=event.person_no,
        subject_no=event.subject_no,
        event_time=event.occurred_at,
        received_at=event.received_at,
        event_id=event.id,
        properties=decode_object(event.properties),
        source_id=event.source_id,
        person_id=event.person_id,
        account=event.account,
    )


subscription = Subscription(
    contract=EventRecorded, handle=handle, again=handle_again, again_within="columnar", name="on_event_recorded"
)
