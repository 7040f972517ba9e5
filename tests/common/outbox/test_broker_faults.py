"""A real NATS that is killed, wiped, or comes late."""

import asyncio
import shutil

import pytest

from libs.common.bus import BusUnavailable, NatsBus
from tests.common.sample.contracts import a_note
from tests.common.sample.node import Node, running, until


@pytest.fixture
async def nats_node(database_of, nats_bus):
    return Node(await database_of("sample"), nats_bus)


async def all_there(node, count):
    async def arrived():
        return len(await node.texts()) == count

    await until(arrived)


@pytest.mark.parametrize("wiped", [False, True], ids=["restarted", "wiped"])
async def test_nothing_is_lost_or_doubled_when_the_broker_is_killed(nats_node, nats_server, wiped):
    events = [a_note(f"{number:03}", person_no=number) for number in range(90)]
    async with running(nats_node.relay, nats_node.loop()):
        for start in range(0, 60, 10):
            await nats_node.say(*events[start : start + 10])
            await asyncio.sleep(0.02)
        nats_server.stop(immediate=True)
        await nats_node.say(*events[60:75])
        if wiped:
            shutil.rmtree(nats_server.directory / "jetstream")
        await asyncio.sleep(0.3)
        nats_server.start()
        await nats_node.say(*events[75:])
        await all_there(nats_node, 90)
        await asyncio.sleep(0.5)
        assert await nats_node.texts() == [event.text for event in events]


async def test_a_watch_goes_on_after_a_restart(nats_bus, nats_server):
    bucket = await nats_bus.key_value("access")
    await bucket.put("key.1", b"one")
    seen = asyncio.Queue()

    async def follow():
        while True:
            try:
                async for item in bucket.watch():
                    seen.put_nowait(item)
            except Exception:  # noqa: BLE001 - as the feed does: whatever happened, follow again
                await asyncio.sleep(0.1)

    following = asyncio.create_task(follow())
    assert await asyncio.wait_for(seen.get(), 30) == ("key.1", b"one")
    nats_server.stop(immediate=True)
    nats_server.start()

    async def put():
        try:
            await bucket.put("key.1", b"two")
        except BusUnavailable:
            return False
        return True

    await until(put)

    async def heard():
        return await asyncio.wait_for(seen.get(), 30) == ("key.1", b"two")

    await until(heard)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_a_service_starts_before_the_broker(nats_server):
    nats_server.stop()
    bus = await NatsBus.connect(
        nats_server.url,
        service="sample",
        user="administrator",
        password=nats_server.passwords["administrator"],
        wait_seconds=0.2,
    )
    with pytest.raises(BusUnavailable, match="not connected"):
        await bus.ready()
    nats_server.start()

    async def ready():
        try:
            await bus.ensure_stream("sample")
            await bus.ready()
        except BusUnavailable:
            return False
        return True

    await until(ready)
    await bus.close()


async def test_a_forbidden_publish_is_refused_with_its_reason(nats_server, nats_bus, monkeypatch):
    monkeypatch.setattr("libs.common.bus.nats_bus.ACKNOWLEDGE_SECONDS", 1.0)
    await nats_bus.ensure_stream("identity")
    bus = await NatsBus.connect(
        nats_server.url, service="profile", user="profile", password=nats_server.passwords["profile"]
    )
    from libs.common.bus.port import Outgoing, Refused

    (answer,) = await bus.publish([Outgoing("identity.person.merged.v1.0", b"{}", "forged")])
    assert isinstance(answer, Refused)
    assert "permissions violation" in answer.reason.lower()
    await bus.close()
