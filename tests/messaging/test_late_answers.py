"""Answers that come while somebody looks for them: the answer holds, nothing leaves twice."""

import asyncio
from typing import Any

import pytest

from services.messaging.domain.channel import Accepted, Capabilities, Found, Outgoing
from services.messaging.jobs import resolve_handoffs as resolving
from services.messaging.jobs import send_due_messages
from services.messaging.store.handoffs import load_handoffs
from services.messaging.store.intents import load_intents
from services.messaging.usecases import resolve_handoffs
from services.messaging.usecases.settle_handoffs import Ended, settle_outcomes
from tests.messaging.stage import Stage
from tests.messaging.test_workers import Killed, until_idle


def dies(_outgoing: Outgoing) -> None:
    raise Killed


async def test_an_answer_that_comes_while_stock_is_taken_is_not_overwritten(
    idle_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = idle_stage
    stage.provider("push", answer=dies)
    message = await stage.ask(1, "push")
    with pytest.raises(Killed):
        await send_due_messages.run(stage.app.runtime)
    await asyncio.sleep(0.25)

    async def answered_meanwhile(*arguments: Any) -> Any:
        found = await load_handoffs(*arguments)
        async with stage.app.runtime.worker_database.transaction(1) as tx:
            await tx.driver.execute("update handoff set state = 'sent' where state = 'submitted'")
        return found

    monkeypatch.setattr(resolve_handoffs, "load_handoffs", answered_meanwhile)
    await resolving.run(stage.app.runtime)
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        assert await tx.driver.fetchval("select state from handoff") == "sent"
    assert "unknown" not in await stage.states(message)


async def test_an_answer_that_comes_while_the_provider_is_asked_ends_the_search(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("push", answer=dies, capabilities=Capabilities(can_poll=True))
    message = await stage.ask(1, "push", **{"class": "transactional"})
    with pytest.raises(Killed):
        await send_due_messages.run(stage.app.runtime)
    provider.answer = lambda _outgoing: None
    await asyncio.sleep(0.25)

    async def poll(message_ids: Any) -> dict[str, Found]:
        async with stage.app.runtime.worker_database.transaction(1) as tx:
            [stored] = await load_intents(tx, 1, [message])
            ended = Ended(stored, "push", 1, Accepted(message_ids[0]))
            assert await settle_outcomes(tx, 1, [ended], capabilities={"push": Capabilities()}) == 1
        return dict.fromkeys(message_ids, "unknown")

    provider.poll = poll  # type: ignore[method-assign]
    assert await resolving.run(stage.app.runtime) == 0
    await until_idle([stage.app.runtime])
    assert provider.taken == []
    assert (await stage.message(message))["state"] == "sent"
