"""A process that only serves the API knows how far its service is."""

from datetime import timedelta

from libs.common import backlog
from libs.common.bus import SubscriptionLoop
from tests.common.sample.contracts import NOON, a_note
from tests.common.sample.node import Node, running, until
from tests.common.test_low_mark import runtime_of

LATER = NOON + timedelta(hours=1)


async def test_an_observer_sees_what_another_process_has_not_applied_and_takes_nothing(database_of, memory_bus):
    node = Node(await database_of("sample"), memory_bus)
    follower = node.loop()
    observer = SubscriptionLoop(follower.subscription, node.runtime)
    async with running(node.relay):
        await observer.observe()
        try:
            await node.say(a_note(received_at=NOON))

            async def seen():
                return observer._consumer is not None and await observer.pending() == 1

            await until(seen)
            assert await backlog.watermark(runtime_of(node, observer, now=LATER), 1) < LATER
            assert await node.texts() == []
            async with running(follower):

                async def applied():
                    return await observer.pending() == 0

                await until(applied)
                assert await node.texts() == ["hello"]
                assert await backlog.watermark(runtime_of(node, observer, now=LATER), 1) == LATER
        finally:
            await observer.stop()
