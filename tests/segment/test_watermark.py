"""What is heard and not yet answered for holds segment's watermark."""

import asyncio
from datetime import datetime, timedelta

import msgspec

from libs.common import outbox
from services.segment.jobs import answer_rounds
from tests.fixtures.apps import START, House
from tests.segment.stage import WORKSPACE, Stage, a_stage


async def watermark(stage: Stage) -> datetime:
    answer = await stage.app.client.get("/v1/segment/watermark")
    assert answer.status_code == 200, answer.text
    return msgspec.convert(answer.json()["watermark"], datetime)


async def test_a_membership_that_is_not_answered_yet_holds_the_watermark(house: House) -> None:
    stage = await a_stage(house)
    await stage.segment({"did": "Order Completed"})
    runtime = stage.app.runtime
    await runtime.loops["answer_rounds"].stop()
    async with runtime.worker_database.transaction(WORKSPACE) as tx:
        await outbox.add(tx, stage.recorded("ann", "Order Completed"))
    heard = next(loop for loop in runtime.subscriptions if loop.name == "on_event_recorded")
    async with asyncio.timeout(60):
        while not heard.handled_total:
            await asyncio.sleep(0.02)
    later = START + timedelta(hours=1)
    await stage.app.put_clock(later, held=False)
    assert await watermark(stage) == START
    assert await answer_rounds.run(runtime) > 0
    async with asyncio.timeout(60):
        while await watermark(stage) != later:
            await asyncio.sleep(0.02)
