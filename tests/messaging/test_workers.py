"""Several workers at once, and workers that die: on a real PostgreSQL, round by round."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from libs.common.db import Database
from libs.common.runtime import Runtime
from services.messaging.clients.profile import ask_reach
from services.messaging.domain.channel import Capabilities, Outgoing, Refused
from services.messaging.domain.provider_errors import CanonicalError
from services.messaging.jobs import resolve_handoffs, send_due_messages
from services.messaging.subscribers import on_person_merged, on_person_split
from tests.messaging.stage import Stage
from tests.messaging.test_persons import a_merge
from tests.messaging.test_undone_merges import a_split

PERSONS = 6
EACH = 8


class Killed(BaseException):
    """The process is gone: nothing after it runs, not even a settling."""


@asynccontextmanager
async def workers(stage: Stage, count: int) -> AsyncIterator[list[Runtime[Any]]]:
    """Give runtimes as of so many processes: each with its own connections, all with the same provider."""
    url = stage.app.database.url("worker")
    opened = [await Database.open(url, service="messaging", pool_size=2) for _ in range(count)]
    try:
        yield [replace(stage.app.runtime, worker_database=database) for database in opened]
    finally:
        await asyncio.gather(*(database.close() for database in opened))


async def until_idle(runtimes: list[Runtime[Any]]) -> None:
    while any(await asyncio.gather(*(send_due_messages.run(runtime) for runtime in runtimes))):
        pass


async def test_eight_workers_racing_for_the_last_slot_never_exceed_a_cap(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("push")
    await stage.policies(caps=[{"id": "d", "count": 3, "window": {"calendar": "day"}}])
    for _ in range(EACH):
        for person_no in range(1, PERSONS + 1):
            await stage.ask(person_no, "push")
    stage.app.runtime.parts.pace.size = 5
    async with workers(stage, 8) as runtimes:
        await until_idle(runtimes)
    assert Counter(o.person_no for o in provider.taken) == dict.fromkeys(range(1, PERSONS + 1), 3)
    assert len({o.message_id for o in provider.taken}) == len(provider.taken)
    counts = (await stage.client.get("/v1/messaging/counts")).json()["states"]
    by_state = {(c["state"], c["reason"]): c["messages"] for c in counts}
    assert by_state == {("sent", ""): 3 * PERSONS, ("dropped", "cap"): (EACH - 3) * PERSONS}


async def test_a_failed_message_gives_its_slot_back(idle_stage: Stage) -> None:
    stage = idle_stage
    answers = iter([Refused(CanonicalError.CONTENT, "no"), None])
    provider = stage.provider("push", answer=lambda _outgoing: next(answers))
    await stage.policies(caps=[{"id": "d", "count": 1, "window": {"calendar": "day"}}])
    failed = await stage.ask(1, "push")
    await send_due_messages.run(stage.app.runtime)
    second, third = await stage.ask(1, "push"), await stage.ask(1, "push")
    await until_idle([stage.app.runtime])
    states = [(await stage.message(m))["state"] for m in (failed, second, third)]
    assert states[0] == "failed"
    assert sorted(states[1:]) == ["dropped", "sent"]
    assert len(provider.taken) == 1


@pytest.mark.parametrize("taken", [False, True], ids=["before the provider took it", "after the provider took it"])
async def test_a_worker_killed_in_the_handoff_loses_and_doubles_nothing(idle_stage: Stage, *, taken: bool) -> None:
    stage = idle_stage
    provider = stage.provider("push", capabilities=Capabilities(can_poll=True))
    dying = {"now": True}

    def die(outgoing: Outgoing) -> None:
        if dying["now"] and len(provider.taken) == 2:
            if taken:
                provider.taken.append(outgoing)
            raise Killed

    provider.answer = die
    messages = [await stage.ask(person_no, "push") for person_no in range(1, 6)]
    with pytest.raises(Killed):
        await send_due_messages.run(stage.app.runtime)
    dying["now"] = False
    assert await send_due_messages.run(stage.app.runtime) == 0, "what may have left is not sent again unasked"
    await asyncio.sleep(0.25)
    assert await resolve_handoffs.run(stage.app.runtime) == 5
    states = [await stage.states(m) for m in messages]
    assert sum("unknown" in s for s in states) <= 5
    await until_idle([stage.app.runtime])
    assert len(provider.taken) == 5
    assert len({o.message_id for o in provider.taken}) == 5
    assert [(await stage.message(m))["state"] for m in messages] == ["sent"] * 5


async def test_without_a_lookup_the_class_decides_what_an_unknown_becomes(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("push")

    def die(outgoing: Outgoing) -> None:
        provider.taken.append(outgoing)
        raise Killed

    provider.answer = die
    marketing = await stage.ask(1, "push")
    receipt = await stage.ask(2, "push", **{"class": "transactional"})
    with pytest.raises(Killed):
        await send_due_messages.run(stage.app.runtime)
    provider.answer = lambda _outgoing: None
    first_tries = {o.person_no: o.message_id for o in provider.taken}
    provider.taken.clear()
    await asyncio.sleep(0.25)
    await resolve_handoffs.run(stage.app.runtime)
    await until_idle([stage.app.runtime])
    assert (await stage.message(marketing))["state"] == "unknown"
    assert (await stage.message(receipt))["state"] == "sent"
    assert [o.person_no for o in provider.taken] == [2]
    assert provider.taken[0].message_id == first_tries.get(2, provider.taken[0].message_id)


async def test_a_worker_killed_between_claim_and_decision_leaves_its_claim_to_the_next(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("push")
    message = await stage.ask(1, "push")
    async with stage.app.runtime.worker_database.transaction(()) as tx:
        from services.messaging.usecases.claim_intents import claim_intents

        [work] = await claim_intents(tx, step="send", size=10, lease_seconds=60.0)
    assert len(work.claims) == 1
    assert await send_due_messages.run(stage.app.runtime) == 0
    async with stage.app.runtime.worker_database.transaction(()) as tx:
        await tx.driver.execute("update intent_queue set available_at = clock_timestamp()")
    assert await send_due_messages.run(stage.app.runtime) == 1
    assert (await stage.message(message))["state"] == "sent"
    assert len(provider.taken) == 1


async def test_a_worker_that_overslept_its_lease_cannot_send(
    idle_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = idle_stage
    provider = stage.provider("push")
    message = await stage.ask(1, "push")
    monkeypatch.setattr(send_due_messages, "CLAIM_SECONDS", 0.1)
    real = ask_reach
    asked = 0

    async def slow(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == 1:
            await asyncio.sleep(0.2)
            monkeypatch.setattr(send_due_messages, "CLAIM_SECONDS", 5.0)
            assert await send_due_messages.run(stage.app.runtime) == 1
        return await real(*arguments)

    monkeypatch.setattr(send_due_messages, "ask_reach", slow)
    await send_due_messages.run(stage.app.runtime)
    assert len(provider.taken) == 1
    assert (await stage.message(message))["steps"][-1]["state"] == "sent"


async def test_a_poisoned_message_blocks_no_other(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("push")
    broken, odd, good = [await stage.ask(person_no, "push", data={"n": 1}) for person_no in (1, 2, 3)]
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        await tx.driver.execute("update intent set sealed = 'AAAA' where intent_id = $1", broken)
        huge = stage.app.runtime.sealer(1).seal_json({"n": 2.0})
        await tx.driver.execute(
            "update intent set sealed = $2, context = '{\"a\": 1e999}'::jsonb where intent_id = $1", odd, huge
        )
    await until_idle([stage.app.runtime])
    assert (await stage.message(broken))["values"] == {"kind": "broken"}
    assert (await stage.message(good))["state"] == "sent"
    assert len(provider.taken) >= 1


async def test_persons_who_merge_and_part_while_eight_workers_send_lose_and_double_nothing(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("push")
    await stage.policies(caps=[{"id": "d", "count": 6, "window": {"calendar": "day"}}])
    asked = {
        await stage.ask(number, "push", content={"text": f"{number} {place}"}): number
        for place in range(EACH)
        for number in range(1, PERSONS + 1)
    }
    stage.app.runtime.parts.pace.size = 3
    version = count(1)

    async def come_and_go() -> None:
        for _ in range(4):
            await stage.hear(
                on_person_merged.handle, *(a_merge(stage, n, n + 1, version=next(version)) for n in (1, 3))
            )
            await stage.hear(on_person_merged.handle, a_merge(stage, 3, 1, version=next(version)))
            for number, left in ((1, 3), (4, 3), (2, 1)):
                await stage.hear(on_person_split.handle, a_split(stage, left, (number, ()), version=next(version)))

    async with workers(stage, 8) as runtimes:
        await asyncio.gather(come_and_go(), until_idle(runtimes))
        await until_idle(runtimes)
    assert len({o.message_id for o in provider.taken}) == len(provider.taken)
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        intents = await tx.driver.fetch("select intent_id, person_no, side_no, state from intent")
        strays = await tx.driver.fetchval(
            "select count(*) from reservation r join intent i using (workspace_id, intent_id)"
            " where r.person_no <> i.person_no"
        )
    assert {row["intent_id"]: (row["person_no"], row["side_no"]) for row in intents} == {
        message: (number, None) for message, number in asked.items()
    }
    assert strays == 0
    assert {row["state"] for row in intents} == {"sent", "dropped"}
    sent = Counter(row["person_no"] for row in intents if row["state"] == "sent")
    assert sum(sent.values()) == len(provider.taken)
    assert max(sent.values()) <= 6
    assert sent[5] == sent[6] == 6, "nobody else's slots were touched"
