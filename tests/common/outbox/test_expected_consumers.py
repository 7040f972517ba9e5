"""The log waits for whoever the contract names, and for whoever was seen once."""

import asyncio

from libs.common import outbox
from libs.common.outbox import Relay
from tests.common.sample.contracts import NoteWritten, a_note
from tests.common.sample.node import running, until

LOGGED = "select count(*) from outbox_log"


async def arrived(node):
    async def there():
        return await node.texts() == ["hello"]

    await until(there)


async def test_a_consumer_that_is_missing_holds_the_log_until_it_is_forgotten(memory_node):
    bus = memory_node.bus
    await bus.ensure_stream("sample")
    await bus.consumer("sample", "gone-on_note", "sample.note.written.v1")
    await memory_node.relay.keep_house()
    del bus.streams["sample"].durables["gone-on_note"]
    async with running(memory_node.relay, memory_node.loop()):
        await memory_node.say(a_note())
        await arrived(memory_node)
        await asyncio.sleep(0.5)
        assert await memory_node.value(LOGGED) == 1
        await outbox.forget_consumer(memory_node.database.worker, "gone-on_note")

        async def empty():
            return await memory_node.value(LOGGED) == 0

        await until(empty)


async def test_a_consumer_the_contract_names_is_waited_for_before_it_ever_came(memory_node):
    class Expected(NoteWritten, frozen=True):
        heard_by = ("sample",)

    relay = Relay(memory_node.database.worker, memory_node.bus, "sample", contracts=[Expected], idle_seconds=0.02)
    await memory_node.say(a_note())
    await memory_node.bus.ensure_stream("sample")
    await relay._expect_consumers()
    await relay.publish_once()
    await relay.keep_house()
    assert await memory_node.value(LOGGED) == 1
    async with running(memory_node.loop()):
        await arrived(memory_node)
    await relay.keep_house()
    assert await memory_node.value(LOGGED) == 0
