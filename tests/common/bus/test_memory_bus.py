"""Fifty consumers of five services wait in one process of tests: waiting costs it next to nothing."""

import asyncio

import pytest

from libs.common.bus import MemoryBus
from libs.common.bus.memory_bus import MemoryConsumer
from libs.common.bus.port import Outgoing

SUBJECT = "sample.note.written.v1"
LONG = 3600.0


@pytest.fixture
def unlooking(monkeypatch):
    """Who waits looks by himself only after an hour: what he hears before it, he was told."""
    monkeypatch.setattr("libs.common.bus.memory_bus.LONGEST_WAIT_SECONDS", LONG)


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


async def test_who_waits_hears_at_once_that_it_shall_end(memory_bus, unlooking):
    consumer = await a_consumer(memory_bus)
    waiting = asyncio.create_task(consumer.fetch(10, LONG))
    await asyncio.sleep(0)
    consumer.interrupt()
    assert await asyncio.wait_for(waiting, 30) == []


async def test_who_waits_hears_at_once_of_what_another_gave_back(memory_bus, unlooking):
    consumer, other = await a_consumer(memory_bus), await a_consumer(memory_bus)
    await memory_bus.publish([Outgoing(f"{SUBJECT}.0", b"1", "1", {})])
    [delivery] = await other.fetch(10, 1)
    waiting = asyncio.create_task(consumer.fetch(10, LONG))
    await asyncio.sleep(0)
    await delivery.nak()
    [again] = await asyncio.wait_for(waiting, 30)
    assert again.attempt == 2
