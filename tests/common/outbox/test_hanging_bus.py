"""A bus that takes a question and never answers."""

import asyncio

import pytest

from tests.common.sample.contracts import a_note


class HangingBus:
    """A bus that never answers what it is asked."""

    def __init__(self, bus):
        self._bus = bus

    def __getattr__(self, name):
        return getattr(self._bus, name)

    async def consumers(self, owner):
        await asyncio.sleep(3600)


async def test_a_bus_that_hangs_gives_the_lock_of_the_relay_back_soon(memory_node):
    await memory_node.bus.ensure_stream("sample")
    async with asyncio.timeout(60):
        with pytest.raises(TimeoutError):
            await memory_node.new_relay(HangingBus(memory_node.bus)).keep_house()
        await memory_node.say(a_note())
        assert await memory_node.new_relay().publish_once() == 1
