"""What became of messages are events of their persons too: $message_sent, $message_opened ..."""

from collections import defaultdict
from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.messaging.message_progressed import MessageProgressed
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.segment.usecases.stage_events import Happening, stage_events


async def handle(tx: Tx, events: list[MessageProgressed], runtime: Runtime[Any]) -> None:
    """Stage them as events of our own."""
    await _stage(tx, events, is_news=True)
    tx.after_commit(lambda: runtime.wake("answer_rounds"))


async def handle_again(tx: Tx, events: list[MessageProgressed], _runtime: Runtime[Any]) -> None:
    """Stage them for a columnar store that is being rebuilt: nobody is asked again because of them."""
    await _stage(tx, events, is_news=False)


async def _stage(tx: Tx, events: list[MessageProgressed], *, is_news: bool) -> None:
    by_workspace: dict[int, list[Happening]] = defaultdict(list)
    for event in events:
        by_workspace[event.workspace_id].append(_happening(event))
    for workspace_id, happenings in by_workspace.items():
        await stage_events(tx, workspace_id=workspace_id, happenings=happenings, is_news=is_news)


def _happening(event: MessageProgressed) -> Happening:
    named = {
        "message_id": event.message_id,
        "journey_id": event.journey_id,
        "run_id": event.run_id,
        "campaign_id": event.campaign_id,
        "template_id": event.template_id,
    }
    properties: dict[str, object] = {key: str(value) for key, value in named.items() if value is not None}
    properties |= {
        "state": event.state,
        "channel": event.channel,
        "reason": event.reason,
        "node": event.node,
        "topic": event.topic,
        "category": event.category,
        "link": event.link,
        "human": event.human,
    }
    return Happening(
        name=f"$message_{event.state}",
        person_no=event.person_no,
        subject_no=0,
        event_time=event.occurred_at,
        received_at=event.received_at,
        event_id=event.id,
        properties=properties,
        origin="own",
        person_id=event.person_id,
        cause="message",
    )


subscription = Subscription(
    contract=MessageProgressed, handle=handle, again=handle_again, again_within="columnar", name="on_message_progressed"
)
