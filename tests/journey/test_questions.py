"""What the engine asks its neighbours, and what they tell it."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec

from libs.common.db import statement
from services.journey.usecases.advance_runs import QUESTION_LEASE_SECONDS
from tests.journey.stage import GO, SEND, Stage, wait


async def test_a_live_split_asks_the_segment_service_once_for_many_persons(stage: Stage) -> None:
    condition = {"trait": "rich", "op": "exists"}
    split = {"id": "s", "type": "split", "condition": condition, "yes": "hello", "no": None}
    journey = await stage.journey({"entry": GO, "nodes": [split, SEND]})
    stage.neighbours.conditions["rich"] = {stage.person("p1"), stage.person("p3")}
    await stage.say(*[stage.event(f"p{number}", "go") for number in range(1, 6)])
    assert sorted(intent.person_no for intent in await stage.read_outbox()) == [stage.person("p1"), stage.person("p3")]
    questions = [body for path, body in stage.neighbours.asked if path.endswith("membership")]
    assert sum(len(body["person_nos"]) for body in questions) == 5
    assert len(questions) <= 2
    assert {run["state"] for run in await stage.runs(journey)} == {"completed"}


async def test_a_segment_one_is_in_already_lets_a_wait_pass_at_once(stage: Stage) -> None:
    stage.membership("ann", "bought", "entered")
    events = [{"segment": stage.segment("bought"), "to": "hello"}]
    nodes = [{"id": "wf", "type": "wait_for", "events": events, "timeout": "P1D", "timeout_to": None}, SEND]
    await stage.journey({"entry": GO, "nodes": nodes})
    await stage.say(stage.event("ann", "go"), stage.event("bob", "go"))
    assert [intent.person_no for intent in await stage.read_outbox()] == [stage.person("ann")]


async def test_a_neighbour_that_is_away_delays_a_split_and_loses_nobody(stage: Stage) -> None:
    split = {"id": "s", "type": "split", "segment": stage.segment("vip"), "yes": "hello", "no": None}
    journey = await stage.journey({"entry": GO, "nodes": [split, SEND]})
    stage.membership("ann", "vip", "entered")
    stage.neighbours.away = True
    await stage.say(stage.event("ann", "go"), drain=False)
    while not await stage.runs(journey):
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)
    stage.neighbours.away = False
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        await tx.execute(statement("update run_timer set leased_until = null"))
    await stage.app.drain()
    assert [run["state"] for run in await stage.runs(journey)] == ["completed"]
    assert len(await stage.read_outbox()) == 1


async def test_a_local_time_is_the_persons_then_the_profiles_then_the_workspaces(stage: Stage) -> None:
    until = {"kind": "local_time", "at": "10:00"}
    journey = await stage.journey({"entry": GO, "nodes": [{"id": "w", "type": "wait", "until": until}, SEND]})
    start = stage.now
    assert start == datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
    stage.neighbours.traits[stage.person("bob")] = {"timezone": "Europe/Berlin"}
    stage.neighbours.traits[stage.person("cid")] = {"timezone": "Not/AZone"}
    await stage.say(
        stage.event("ann", "go", context={"timezone": "America/New_York"}),
        stage.event("bob", "go"),
        stage.event("cid", "go"),
    )
    due = [datetime.fromisoformat(run["due_at"]) for run in await stage.runs(journey)]
    assert sorted(due) == [start + timedelta(hours=hours) for hours in (1, 2, 7)]


async def test_an_outcome_the_author_cares_for_decides_how_it_goes_on(stage: Stage) -> None:
    caring = {**SEND, "on_drop": {"consent": "exit", "cap": "exit"}}
    journey = await stage.journey({"entry": GO, "nodes": [caring, wait("w", "P1D")]})
    await stage.say(*[stage.event(name, "go") for name in ("ann", "bob", "cid", "dan")])
    intents = {intent.person_no: intent for intent in await stage.read_outbox()}
    outcomes = {"ann": ("sent", ""), "bob": ("suppressed", "consent"), "cid": ("suppressed", "cap")}
    await stage.say(*[stage.outcome(intents[stage.person(name)], *said) for name, said in outcomes.items()])
    found = {run["person_id"]: (run["state"], run["reason"], run["node"]) for run in await stage.runs(journey)}
    assert sorted(found.values(), key=str) == [
        ("exited", "consent", "hello"), ("exited", "suppressed", "hello"), ("waiting", None, "hello"),
        ("waiting", None, "w"),
    ]  # fmt: skip
    await stage.advance(days=3)
    assert await stage.read_outbox() == []
    assert {run["state"] for run in await stage.runs(journey)} == {"completed", "exited"}


async def test_personal_properties_of_the_entry_event_reach_the_message_sealed(stage: Stage) -> None:
    await stage.journey({"entry": GO, "nodes": [SEND]})
    sealer = stage.app.runtime.sealer(1)
    sealed = sealer.seal_json({"properties": {"email": "a@x.org"}, "traits": {"phone": "1"}, "context": {}})
    await stage.say(stage.event("ann", "go", properties={"total": 5}, sealed=sealed))
    [intent] = await stage.read_outbox()
    assert msgspec.json.decode(intent.context) == {"event": {"total": 5}}
    assert intent.sealed is not None
    assert sealer.open_json(intent.sealed) == {"event": {"email": "a@x.org"}}


async def test_a_question_that_is_refused_ends_the_run_in_error_after_some_tries(stage: Stage) -> None:
    split = {"id": "s", "type": "split", "condition": {"refuse": "me"}, "yes": "hello", "no": None}
    journey = await stage.journey({"entry": GO, "nodes": [split, SEND]})
    await stage.say(stage.event("ann", "go"), drain=False)
    for _ in range(600):
        runs = await stage.runs(journey)
        if runs and runs[0]["state"] == "exited":
            break
        async with stage.app.runtime.worker_database.transaction(1) as tx:
            await tx.execute(statement("update run_timer set leased_until = null where attempts > 0"))
        stage.app.runtime.wake("advance_due_runs")
        await asyncio.sleep(0.02)
    assert [(run["state"], run["reason"]) for run in await stage.runs(journey)] == [("exited", "error")]


async def test_a_run_that_is_held_when_its_answer_comes_goes_on_as_soon_as_it_is_let_go(stage: Stage) -> None:
    split = {"id": "s", "type": "split", "segment": stage.segment("vip"), "yes": "hello", "no": None}
    journey = await stage.journey({"entry": GO, "nodes": [split, SEND]})
    stage.membership("ann", "vip", "entered")
    stage.neighbours.away = True
    await stage.say(stage.event("ann", "go"), stage.event("bob", "go"), drain=False)
    while len(await stage.runs(journey)) < 2:
        await asyncio.sleep(0.05)
    worker_database = stage.app.runtime.worker_database
    async with worker_database.transaction(1) as tx:
        await tx.execute(statement("update run_timer set leased_until = null"))
        stage.neighbours.away = False
    asked = len(stage.neighbours.asked)
    async with worker_database.transaction(1) as holder:
        while len(stage.neighbours.asked) == asked:
            # what happened to a person is taken in between two rounds of the engine
            await holder.execute(statement("select from run_timer where leased_until is not null for update"))
            stage.app.runtime.wake("advance_due_runs")
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.5)
    begun = asyncio.get_running_loop().time()
    await stage.app.drain()
    assert asyncio.get_running_loop().time() - begun < QUESTION_LEASE_SECONDS / 2
    assert [run["state"] for run in await stage.runs(journey)] == ["completed"] * 2


async def test_what_is_no_condition_is_refused_when_the_journey_is_published(stage: Stage) -> None:
    split = {"id": "s", "type": "split", "condition": {"nonsense": 1}, "yes": "hello", "no": None}
    journey = await stage.journey({"entry": GO, "nodes": [SEND | {"id": "first"}, split, SEND]}, publish=False)
    answer = await stage.app.client.post(f"/v1/journey/journeys/{journey}/publish", json={})
    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [
        ("/nodes/1/condition/nonsense", "unknown")
    ]  # fmt: skip
