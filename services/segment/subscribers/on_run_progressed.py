"""Ways through journeys are events of their persons too: $journey_entered, $journey_moved ..."""

from collections import defaultdict
from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.journey.run_progressed import RunProgressed
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.segment.usecases.stage_events import Happening, stage_events


async def handle(tx: Tx, events: list[RunProgressed], runtime: Runtime[Any]) -> None:
    """Stage them as events of our own."""
    await _stage(tx, events, is_news=True)
    tx.after_commit(lambda: runtime.wake("answer_rounds"))


async def handle_again(tx: Tx, events: list[RunProgressed], _runtime: Runtime[Any]) -> None:
    """Stage them for a columnar store that is being rebuilt: nobody is asked again because of them."""
    await _stage(tx, events, is_news=False)


async def _stage(tx: Tx, events: list[RunProgressed], *, is_news: bool) -> None:
    by_workspace: dict[int, list[Happening]] = defaultdict(list)
    for event in events:
        by_workspace[event.workspace_id].append(_happening(event))
    for workspace_id, happenings in by_workspace.items():
        await stage_events(tx, workspace_id=workspace_id, happenings=happenings, is_news=is_news)


def _happening(event: RunProgressed) -> Happening:
    return Happening(
        name=f"$journey_{event.state}",
        person_no=event.person_no,
        subject_no=0,
        event_time=event.occurred_at,
        received_at=event.received_at,
        event_id=event.id,
        properties={
            "journey_id": str(event.journey_id),
            "journey_name": event.journey_name,
            "run_id": str(event.run_id),
            "sequence": event.sequence,
            "node": event.node,
            "reason": event.reason,
            "arm": event.arm,
            "converted": event.converted,
        },
        origin="own",
        person_id=event.person_id,
    )


subscription = Subscription(
    contract=RunProgressed, handle=handle, again=handle_again, again_within="columnar", name="on_run_progressed"
)
