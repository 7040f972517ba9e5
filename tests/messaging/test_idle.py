"""A quiet house costs little: what an idle round and a look at the backlog ask of the database."""

from datetime import timedelta
from typing import Any

import pytest

from libs.common.db import Tx
from services.messaging.jobs import fall_back, forward_withdrawals, resolve_handoffs, send_due_messages, sweep_old
from tests.messaging.stage import Stage

JOBS = (fall_back.job, forward_withdrawals.job, resolve_handoffs.job, send_due_messages.job, sweep_old.job)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement about messaging's queues, in order; the house's own go on beside the test."""
    texts: list[str] = []
    for name in ("fetch", "fetch_one", "fetch_value", "execute"):
        real = getattr(Tx, name)

        async def noted(tx: Tx, statement: Any, *, _real: Any = real, **parameters: Any) -> Any:
            if "intent_queue" in statement.text or "withdrawal_queue" in statement.text:
                texts.append(statement.text)
            return await _real(tx, statement, **parameters)

        monkeypatch.setattr(Tx, name, noted)
    return texts


async def test_an_idle_round_is_one_statement(idle_stage: Stage, asked: list[str]) -> None:
    await sweep_old.run(idle_stage.app.runtime)
    for job in JOBS:
        asked.clear()
        assert await job.run(idle_stage.app.runtime) == 0
        assert len(asked) == (0 if job is sweep_old.job else 1), job.name


async def test_the_backlog_reads_the_queues_once(idle_stage: Stage, asked: list[str]) -> None:
    stage = idle_stage
    runtime = stage.app.runtime
    stage.provider("push")
    due_at = stage.now + timedelta(hours=2)
    await stage.ask(1, "push")
    await stage.ask(2, "push", due_at=due_at.isoformat())
    asked.clear()
    async with runtime.worker_database.reading(1):
        opened = {job.name: await job.open(runtime, 1) for job in JOBS if job.open is not None}
        nexts = {job.name: await job.next_due(runtime, 1) for job in JOBS if job.next_due is not None}
    assert len(asked) == 1
    assert {name: count for name, count in opened.items() if count} == {"send_due_messages": 1}
    assert {name: at for name, at in nexts.items() if at is not None} == {"send_due_messages": due_at}


async def test_each_look_at_the_backlog_sees_the_present(idle_stage: Stage) -> None:
    stage = idle_stage
    stage.provider("push")
    assert send_due_messages.job.open is not None
    assert await send_due_messages.job.open(stage.app.runtime, 1) == 0
    await stage.ask(1, "push")
    assert await send_due_messages.job.open(stage.app.runtime, 1) == 1
    await send_due_messages.run(stage.app.runtime)
    assert await send_due_messages.job.open(stage.app.runtime, 1) == 0
