"""An event is set aside only for its own fault, and comes back from there."""

import asyncio
import contextlib
from typing import Any

import asyncpg
import pytest

from libs.common.bus import dead_letters
from libs.common.errors import Unavailable
from libs.common.jobs import JobLoop
from services.identity.jobs import resolve_events
from services.identity.store import ingest_queue
from services.identity.usecases.resolve_events import resolve_events as honest
from tests.identity.collection.conftest import Door
from tests.identity.collection.test_collector import a_call
from tests.identity.collection.test_resolved import resolve, told


def failing(error: Exception, *, for_name: str | None = None) -> Any:
    async def fails(tx: Any, entries: Any, tools: Any, *, source_of: Any) -> int:
        ids = {row["event_id"]: row["name"] for row in await tx.driver.fetch("select event_id, name from event_log")}
        if for_name is None or any(ids[entry.event_id] == for_name for entry in entries):
            raise error
        return await honest(tx, entries, tools, source_of=source_of)

    return fails


async def letters(door: Door) -> list[dict[str, Any]]:
    return await door.rows("select dead_letter_id, event_id, reason, status from dead_letter order by dead_letter_id")


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.AdminShutdownError("terminating connection"),
        TimeoutError("the pool"),
        Unavailable("workspace 1 is not known here yet"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_passing_fault_sets_nothing_aside(
    door: Door, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    await door.post("track", a_call(1))
    monkeypatch.setattr(resolve_events, "resolve_events", failing(error))
    with pytest.raises(type(error)):
        await resolve_events.run(door.runtime)
    assert await letters(door) == []
    monkeypatch.setattr(resolve_events, "resolve_events", honest)
    await resolve(door)
    assert len(await told(door)) == 1


async def test_only_the_event_at_fault_is_set_aside(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await door.post("track", a_call(1, event="Sick", anonymousId="a1"))
    await door.post("track", a_call(2, event="Well", anonymousId="a2"))
    sick = (await door.rows("select event_id from event_log where name = 'Sick'"))[0]["event_id"]
    monkeypatch.setattr(resolve_events, "resolve_events", failing(ValueError("sick\x00"), for_name="Sick"))
    await resolve(door)
    assert [letter["event_id"] for letter in await letters(door)] == [sick]
    assert [event.name for event in await told(door)] == ["Well"]


async def test_the_reason_of_a_letter_quotes_nobody(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await door.post("track", a_call(1))
    quoting = asyncpg.DataError('invalid input syntax for type json: "canary@example.com"')
    monkeypatch.setattr(resolve_events, "resolve_events", failing(quoting))
    await resolve(door)
    [letter] = await letters(door)
    assert letter["reason"] == "DataError: invalid input syntax for type json"


async def test_what_another_worker_holds_shields_no_event_from_its_own_fault(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in ((1, "Sick"), (2, "Well")):
        await door.post("track", a_call(number, event=name))
    sick = (await door.rows("select event_id from event_log where name = 'Sick'"))[0]["event_id"]
    taken, go_on = asyncio.Event(), asyncio.Event()

    async def fails(tx: Any, entries: Any, tools: Any, *, source_of: Any) -> int:
        if any(entry.event_id == sick for entry in entries):
            if len(entries) == 1:
                taken.set()
                await go_on.wait()
            raise ValueError("sick")
        return await honest(tx, entries, tools, source_of=source_of)

    monkeypatch.setattr(resolve_events, "resolve_events", fails)
    slow = asyncio.create_task(resolve_events.run(door.runtime))
    await taken.wait()
    # While one worker judges the sick event alone, the other takes the one behind it.
    with contextlib.suppress(ConnectionAbortedError):
        async with door.runtime.worker_database.transaction([]) as other:
            assert len(await ingest_queue.claim_entries(other, 1)) == 1
            go_on.set()
            await slow
            raise ConnectionAbortedError("and dies")
    assert [letter["event_id"] for letter in await letters(door)] == [sick]
    await resolve(door)
    assert [event.name for event in await told(door)] == ["Well"]


async def test_a_dead_letter_of_the_resolver_is_replayed(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.runtime.loops["resolve_events"] = JobLoop(resolve_events.job, door.runtime)
    await door.post("track", a_call(1))
    monkeypatch.setattr(resolve_events, "resolve_events", failing(ValueError("not yet")))
    await resolve(door)
    [letter] = await letters(door)
    assert await told(door) == []
    monkeypatch.setattr(resolve_events, "resolve_events", honest)
    answer = await door.ask(
        "POST", "/v1/identity/dead-letters", json={"ids": [str(letter["dead_letter_id"])], "action": "replay"}
    )
    assert answer.json() == {"settled": 1, "failed": {}}
    await resolve(door)
    assert [event.id for event in await told(door)] == [letter["event_id"]]
    assert [letter["status"] for letter in await letters(door)] == ["replayed"]


async def test_a_copy_that_takes_the_place_of_one_set_aside_is_told_once(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.runtime.loops["resolve_events"] = JobLoop(resolve_events.job, door.runtime)
    names = iter("ABCDEFGHIJKLMNOP")
    await door.post("track", a_call(1, event=next(names)))
    monkeypatch.setattr(resolve_events, "resolve_events", failing(ValueError("not yet")))
    await resolve(door)
    [letter] = await letters(door)
    monkeypatch.setattr(resolve_events, "resolve_events", honest)
    while not await door.rows("select 1 from event_log where is_conflict and name = 'A'"):
        await door.post("track", a_call(1, event=next(names)))
    await resolve(door)
    winner = (await door.rows("select event_id from event_log where not is_conflict"))[0]["event_id"]
    assert [event.id for event in await told(door)] == [winner]
    async with door.runtime.worker_database.transaction(door.workspace.workspace_id) as tx:
        results = await dead_letters.replay(
            tx, door.runtime, dead_letters.handlers(door.runtime), [letter["dead_letter_id"]]
        )
    assert results == {letter["dead_letter_id"]: "replayed"}
    await resolve(door)
    assert [event.id for event in await told(door)] == [winner]
