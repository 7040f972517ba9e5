"""Fifty consumers of five services wait in one process of tests: waiting costs it next to nothing."""

import asyncio

from libs.common.bus import MemoryBus
from libs.common.bus.memory_bus import MemoryConsumer
from libs.common.bus.port import Outgoing

SUBJECT = "sample.note.written.v1"


async def a_consumer(bus: MemoryBus) -> MemoryConsumer:
    """Make the stream and a consumer of it."""
    await bus.ensure_stream("sample")
    consumer = await bus.consumer("sample", "reader-on_note", SUBJECT)
    assert isinstance(consumer, MemoryConsumer)
    return consumer


async def test_who_waits_looks_seldom(memory_bus, monkeypatch):
    looks = 0
    right = MemoryConsumer._take

    def take(self, limit):
        nonlocal looks
        looks += 1
        return right(self, limit)

    monkeypatch.setattr(MemoryConsumer, "_take", take)
    consumer = await a_consumer(memory_bus)
    assert await consumer.fetch(10, 0.6) == []
    assert looks <= 5


async def test_who_waits_hears_at_once_that_it_shall_end(memory_bus):
    consumer = await a_consumer(memory_bus)
    waiting = asyncio.create_task(consumer.fetch(10, 60))
    await asyncio.sleep(0)
    begun = asyncio.get_running_loop().time()
    consumer.interrupt()
    assert await waiting == []
    assert asyncio.get_running_loop().time() - begun < 0.2


async def test_who_waits_hears_at_once_of_what_another_gave_back(memory_bus):
    consumer, other = await a_consumer(memory_bus), await a_consumer(memory_bus)
    await memory_bus.publish([Outgoing(f"{SUBJECT}.0", b"1", "1", {})])
    [delivery] = await other.fetch(10, 1)
    waiting = asyncio.create_task(consumer.fetch(10, 60))
    await asyncio.sleep(0)
    begun = asyncio.get_running_loop().time()
    await delivery.nak()
    [again] = await waiting
    assert again.attempt == 2
    assert asyncio.get_running_loop().time() - begun < 0.2
