"""What the front door has taken and nobody owns yet holds identity's watermark."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec

from services.identity.jobs import resolve_events
from tests.fixtures.apps import START, House, ServiceApp

UNKNOWN = datetime.min.replace(tzinfo=UTC)


async def watermark(identity: ServiceApp) -> datetime:
    answer = await identity.client.get("/v1/identity/watermark")
    assert answer.status_code == 200, answer.text
    return msgspec.convert(answer.json()["watermark"], datetime)


async def test_an_event_that_is_taken_and_not_read_holds_the_watermark(house: House) -> None:
    identity = await house.start("identity")
    await identity.runtime.loops["resolve_events"].stop()
    call = {"userId": "m-1", "event": "Order Completed"}
    taken = await identity.client.post("/v1/track", json=call, auth=(house.write_key, ""))
    assert taken.status_code == 200, taken.text
    later = START + timedelta(hours=1)
    await identity.put_clock(later, held=False)
    # a process that just began knows of no consumer of its own yet, and says so
    async with asyncio.timeout(60):
        while (mark := await watermark(identity)) == UNKNOWN:
            await asyncio.sleep(0.02)
    assert mark == START
    assert await resolve_events.run(identity.runtime) == 1
    async with asyncio.timeout(60):
        while await watermark(identity) != later:
            await asyncio.sleep(0.02)
