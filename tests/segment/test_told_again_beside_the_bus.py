"""An event that the bus brings while its owner tells it again is staged once, whoever of the two comes first."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import msgspec
import pytest

from libs.common.bus import dead_letters
from libs.common.bus.apply import Application
from libs.common.bus.batch import Batch
from libs.common.bus.inbox import register_consumer
from libs.common.bus.port import WORKSPACE_HEADER
from libs.common.bus.subscription import TryLater
from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.db import statement
from libs.common.ids import new_id
from libs.common.outbox.rows import encode_line
from libs.common.replay import store
from libs.common.replay.job import Reapplication
from libs.common.replay.telling import Page
from services.segment.subscribers.on_event_recorded import subscription
from tests.fixtures.apps import START

WORKSPACE = 1
CONSUMER = "segment-on_event_recorded"
STAGED = statement("select unnest(event_ids) as event_id from segment.staged where workspace_id = 1")
LETTERS = statement("select dead_letter_id from dead_letter order by dead_letter_id")
RUNTIME = SimpleNamespace(wake=lambda _job: None)


def bought():
    return EventRecorded(
        workspace_id=WORKSPACE, person_no=7, person_id=new_id(), subject_no=70, identifier_nos=(70,), kind="track",
        name="Bought", source_id=1, message_id=str(new_id()), received_at=START, occurred_at=START,
    )  # fmt: skip


class Consumer:
    """Segment's consumer of recorded events with a replay that goes on, and its owner's log that still holds them."""

    def __init__(self, database):
        self.database = database
        self.event = bought()
        self.in_hand = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.refuses = False

    async def begin(self):
        async with self.database.transaction(WORKSPACE) as tx:
            await register_consumer(tx, CONSUMER)
            since = await store.hold_inbox(tx)
            made = {"workspace_id": WORKSPACE, "consumer": "on_event_recorded", "subject": EventRecorded.subject}
            assert await store.add(tx, replay_id=new_id(), since=since, **made)
            (self.replay,) = await store.open_replays(tx)

    async def hear(self, *, held=False):
        """Handle the event as the bus brings it; `held` keeps its transaction open until it may go on."""

        async def handle(tx, events, runtime):
            await subscription.handle(tx, events, runtime)
            if held:
                await self._hold()

        return await self._apply(replace(subscription, handle=handle))

    async def be_told(self, *, held=False):
        """Apply the page of the owner that holds the event."""

        async def handle(tx, events, runtime):
            await subscription.again(tx, events, runtime)
            if held:
                await self._hold()

        page = Page([msgspec.Raw(encode_line(self.event))], unsaid_from=START)
        again = replace(subscription, handle=handle)
        return await Reapplication(again, RUNTIME, self.database, CONSUMER).apply_page(self.replay, page)

    async def set_aside(self):
        """Fail to handle the event as the bus brings it."""

        async def handle(_tx, _events, _runtime):
            raise ValueError("not yet")

        await self._apply(replace(subscription, handle=handle))

    async def try_again(self, *, held=False):
        """Take what was set aside in hand again, as an operator does; return what became of it."""

        async def handle(tx, events, runtime):
            await subscription.handle(tx, events, runtime)
            if held:
                await self._hold()

        async with self.database.transaction(WORKSPACE) as tx:
            ids = [row["dead_letter_id"] for row in await tx.fetch(LETTERS)]
            known = {CONSUMER: replace(subscription, handle=handle)}
            return list((await dead_letters.replay(tx, RUNTIME, known, ids)).values())

    async def staged(self):
        async with self.database.transaction(WORKSPACE) as tx:
            return [row["event_id"] for row in await tx.fetch(STAGED)]

    async def _apply(self, handled_so):
        batch = Batch()
        message = SimpleNamespace(payload=encode_line(self.event), headers={WORKSPACE_HEADER: str(WORKSPACE)})
        batch.add(message, msgspec.json.Decoder(EventRecorded))
        return await Application(handled_so, RUNTIME, self.database, CONSUMER).apply(batch)

    async def _hold(self):
        self.in_hand.set()
        await self.goes_on.wait()
        if self.refuses:
            raise TryLater(1)


@pytest.fixture
async def consumer(database_of):
    made = Consumer((await database_of("segment")).worker)
    await made.begin()
    return made


async def side_by_side(consumer, first, second):
    """Run `second` while the transaction of `first` is open; return what became of both."""
    one = asyncio.create_task(first)
    await consumer.in_hand.wait()
    other = asyncio.create_task(second)
    await asyncio.sleep(0.2)
    assert not other.done(), "whether the event is handled is known when the other one has ended"
    consumer.goes_on.set()
    return await asyncio.gather(one, other, return_exceptions=True)


async def test_what_a_batch_has_in_hand_is_not_applied_by_the_page_that_tells_it(consumer):
    heard, told = await side_by_side(consumer, consumer.hear(held=True), consumer.be_told())
    assert (heard.handled, told.handled, told.seen_before) == (1, 0, 1)
    assert await consumer.staged() == [consumer.event.id]


async def test_what_a_page_has_in_hand_is_not_handled_by_the_batch_that_brings_it(consumer):
    told, heard = await side_by_side(consumer, consumer.be_told(held=True), consumer.hear())
    assert (told.handled, heard.handled, heard.seen_before) == (1, 0, 1)
    assert await consumer.staged() == [consumer.event.id]


async def test_what_a_batch_gave_back_is_applied_by_the_page_and_not_when_it_comes_again(consumer):
    consumer.refuses = True
    refused, told = await side_by_side(consumer, consumer.hear(held=True), consumer.be_told())
    assert isinstance(refused, TryLater) and told.handled == 1
    assert (await consumer.hear()).seen_before == 1
    assert await consumer.staged() == [consumer.event.id]


async def test_what_was_handled_before_the_replay_began_is_applied_once_more(database_of):
    consumer = Consumer((await database_of("segment")).worker)
    assert (await consumer.hear()).handled == 1
    await consumer.begin()
    assert (await consumer.be_told()).handled == 1
    assert (await consumer.hear()).seen_before == 1
    assert await consumer.staged() == [consumer.event.id] * 2, "the rebuild has forgotten the first one"


async def test_what_was_set_aside_and_is_told_again_is_a_dead_letter_no_more(database_of):
    consumer = Consumer((await database_of("segment")).worker)
    await consumer.set_aside()
    await consumer.begin()
    assert (await consumer.be_told()).handled == 1
    assert await consumer.try_again() == []
    assert await consumer.staged() == [consumer.event.id]


async def test_what_was_set_aside_and_is_tried_again_is_not_applied_by_the_page_that_tells_it(database_of):
    consumer = Consumer((await database_of("segment")).worker)
    await consumer.set_aside()
    await consumer.begin()
    tried, told = await side_by_side(consumer, consumer.try_again(held=True), consumer.be_told())
    assert (tried, told.handled, told.seen_before) == (["replayed"], 0, 1)
    assert await consumer.staged() == [consumer.event.id]


async def test_what_is_set_aside_while_the_replay_goes_on_waits_for_somebody_to_try_it_again(consumer):
    await consumer.set_aside()
    assert (await consumer.be_told()).seen_before == 1
    assert await consumer.try_again() == ["replayed"]
    assert await consumer.staged() == [consumer.event.id]
