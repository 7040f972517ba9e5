"""Tables that would grow for ever are swept, and nothing that still counts is."""

from datetime import timedelta
from typing import Any

import pytest

from services.messaging.jobs import send_due_messages, sweep_old
from tests.messaging.stage import Stage

TABLES = ("reservation", "address_claim", "step")


async def rows(stage: Stage) -> list[int]:
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        return [await tx.driver.fetchval(f"select count(*) from {table}") for table in TABLES]


async def sweep(stage: Stage) -> int:
    done = 0
    stage.app.runtime.parts.swept_at = None
    while more := await sweep_old.run(stage.app.runtime):
        done += more
    return done


async def send(stage: Stage, *persons: int, **fields: Any) -> None:
    for person_no in persons:
        await stage.ask(person_no, "email", **fields)
    while await send_due_messages.run(stage.app.runtime):
        pass


async def test_what_lies_behind_every_window_is_swept_in_batches(
    idle_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = idle_stage
    monkeypatch.setattr(sweep_old, "BATCH", 2)
    stage.provider("email")
    await send(stage, 1, 2, 3, 4, 5)
    assert await rows(stage) == [5, 5, 5]
    assert await sweep(stage) == 0
    await stage.app.put_clock(stage.now + timedelta(days=36), held=False)
    await send(stage, 6)
    assert await sweep(stage) == 10
    assert await rows(stage) == [1, 1, 6]
    await stage.app.put_clock(stage.now + timedelta(days=761), held=False)
    await sweep(stage)
    assert await rows(stage) == [0, 0, 0]


async def test_a_longer_window_keeps_what_it_counts(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("email")
    await stage.policies(caps=[{"id": "q", "count": 1, "window": {"rolling": "P90D"}}])
    await send(stage, 1)
    await stage.app.put_clock(stage.now + timedelta(days=80), held=False)
    await sweep(stage)
    await send(stage, 1, key="second")
    assert len(provider.taken) == 1
    await stage.app.put_clock(stage.now + timedelta(days=11), held=False)
    assert await sweep(stage) > 0
    await send(stage, 1, key="third")
    assert len(provider.taken) == 2


async def test_a_clock_that_is_driven_often_does_not_sweep_often(idle_stage: Stage) -> None:
    stage = idle_stage
    stage.provider("email")
    await send(stage, 1)
    assert await sweep(stage) == 0
    await stage.app.put_clock(stage.now + timedelta(days=800), held=False)
    assert await sweep_old.run(stage.app.runtime) == 0
    assert await sweep(stage) > 0


async def test_by_real_time_only_what_is_old_is_swept(idle_stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = idle_stage
    stage.provider("email")
    await send(stage, 1)
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        for table in TABLES:
            await tx.driver.execute(f"update {table} set at = clock_timestamp()")
    runtime = stage.app.runtime
    monkeypatch.setattr(type(runtime), "is_driven", lambda _self, _workspace_id: False)
    real = [runtime.clock.now()]
    monkeypatch.setattr(type(runtime), "now", lambda _self, _workspace_id: real[-1])
    assert await sweep(stage) == 0
    real.append(real[0] + timedelta(days=34))
    assert await sweep(stage) == 0
    real.append(real[0] + timedelta(days=36))
    assert await sweep(stage) == 2
    real.append(real[0] + timedelta(days=761))
    assert await sweep(stage) == 1
