"""Say what became of messages, so that timeline, segments and journeys can use it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.common import outbox
from libs.common.contracts.messaging.message_progressed import MessageProgressed, MessageState
from libs.common.db import Tx
from services.messaging.store.intents import StoredIntent


@dataclass(frozen=True, slots=True)
class Progress:
    """A piece of news about an intent."""

    stored: StoredIntent
    state: MessageState
    channel: str = ""
    reason: str = ""
    link: str = ""
    human: bool = True
    of_run: bool = True
    """False for what concerns one channel only: a run waits for the message's outcome, another channel may follow."""


async def tell_progress(tx: Tx, news: Sequence[Progress], *, now: datetime) -> None:
    """Put the news into the outbox; a drop says `suppressed` with its reason."""
    await outbox.add(tx, [_event(item, now) for item in news])


def _event(item: Progress, now: datetime) -> MessageProgressed:
    stored = item.stored
    return MessageProgressed(
        workspace_id=stored.intent.workspace_id,
        person_no=stored.intent.person_no,
        # The decision is a fact of this moment, whatever arrived how long ago behind it.
        received_at=max(stored.received_at, now),
        occurred_at=now,
        message_id=stored.intent.intent_id,
        state=item.state,
        channel=item.channel,
        reason=item.reason,
        person_id=stored.person_id,
        journey_id=stored.journey_id,
        run_id=stored.run_id if item.of_run else None,
        node=stored.node,
        visit=stored.visit,
        campaign_id=stored.campaign_id,
        template_id=stored.template_id,
        topic=stored.intent.topic,
        category=stored.intent.category,
        link=item.link,
        human=item.human,
    )
