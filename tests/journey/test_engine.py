"""The engine on the app: time passes, things happen, runs step."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from libs.common.access.model import Workspace
from libs.common.db import statement
from services.journey.jobs import advance_due_runs
from services.journey.nodes.wait import WaitNode
from tests.fixtures.apps import House
from tests.journey.stage import GO, SEND, Stage, a_stage, wait


async def test_a_wait_ends_exactly_when_it_is_due_and_never_early(stage: Stage) -> None:
    journey = await stage.journey({"entry": GO, "nodes": [wait("w", "PT30M"), SEND]})
    start = stage.now
    await stage.say(stage.event("ann", "go"))
    await stage.advance(minutes=29, seconds=59)
    assert await stage.read_outbox() == []
    await stage.advance(minutes=10)
    [run] = await stage.runs(journey)
    assert datetime.fromisoformat(run["ended_at"]) == start + timedelta(minutes=30)
    [intent] = await stage.read_outbox()
    assert (intent.node, intent.visit, intent.idempotency_key) == ("hello", 1, f"{run['id']}/hello/1")
    assert [(p.state, p.node) for p in stage.progressed] == [
        ("entered", "entry"), ("moved", "hello"), ("completed", "hello"),
    ]  # fmt: skip


async def test_an_exit_event_that_arrives_before_the_entry_event_ends_the_run_at_once(stage: Stage) -> None:
    journey = await stage.journey({"entry": GO, "exit_rules": [{"event": "paid"}], "nodes": [SEND]})
    start = stage.now
    await stage.advance(minutes=5)
    await stage.say(stage.event("ann", "paid", at=start + timedelta(minutes=2)))
    await stage.say(stage.event("ann", "go", at=start + timedelta(minutes=1)))
    [run] = await stage.runs(journey)
    assert (run["state"], run["reason"]) == ("exited", "exit_rule")
    assert await stage.read_outbox() == []


async def test_an_exit_event_of_before_the_entry_does_not_count(stage: Stage) -> None:
    journey = await stage.journey({"entry": GO, "exit_rules": [{"event": "paid"}], "nodes": [SEND]})
    await stage.say(stage.event("ann", "paid", at=stage.now - timedelta(minutes=1)))
    await stage.say(stage.event("ann", "go"))
    assert [run["state"] for run in await stage.runs(journey)] == ["completed"]


async def test_an_order_one_second_before_the_send_stops_it(stage: Stage) -> None:
    journey = await stage.journey({"entry": GO, "exit_rules": [{"event": "paid"}], "nodes": [wait("w", "PT30M"), SEND]})
    await stage.say(stage.event("ann", "go"))
    await stage.advance(minutes=29, seconds=59)
    await stage.say(stage.event("ann", "paid"))
    await stage.advance(hours=1)
    assert [run["reason"] for run in await stage.runs(journey)] == ["exit_rule"]
    assert await stage.read_outbox() == []


async def test_an_order_waiting_unapplied_at_the_same_second_still_stops_the_send(stage: Stage) -> None:
    await stage.journey({"entry": GO, "exit_rules": [{"event": "paid"}], "nodes": [wait("w", "PT30M"), SEND]})
    await stage.say(stage.event("ann", "go"))
    due = stage.now + timedelta(minutes=30)
    await stage.app.put_clock(due, held=True)
    heard = next(loop for loop in stage.app.runtime.subscriptions if loop.name == "on_event_recorded")
    before = heard.handled_total
    await stage.say(stage.event("ann", "paid", at=due - timedelta(seconds=1)), drain=False)
    async with asyncio.timeout(60):
        while heard.handled_total == before:
            await asyncio.sleep(0.02)
    await stage.app.put_clock(due, held=False)
    await stage.app.drain()
    assert await stage.read_outbox() == []


async def test_the_goal_ends_a_run_under_way_and_counts_after_the_end_within_its_window(stage: Stage) -> None:
    goal = {"event": "paid", "window": "P2D"}
    journey = await stage.journey({"entry": GO, "goal": goal, "nodes": [SEND, wait("w", "P1D")]})
    await stage.say(*[stage.event(name, "go") for name in ("ann", "bob", "cid")])
    await stage.say(stage.event("ann", "paid"))
    await stage.advance(days=1, hours=1)
    await stage.say(stage.event("bob", "paid"))
    await stage.advance(days=2)
    await stage.say(stage.event("cid", "paid"))
    runs = [(run["state"], run["reason"], run["converted_at"] is not None) for run in await stage.runs(journey)]
    assert sorted(runs, key=str) == [("completed", None, False), ("completed", None, True), ("exited", "goal", True)]


async def test_a_poisoned_run_ends_in_error_and_the_others_go_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    journey = await stage.journey({"entry": GO, "nodes": [wait("w", "PT1H"), SEND]})
    await stage.say(*[stage.event(name, "go") for name in ("ann", "bob", "cid")])
    right = WaitNode.decide

    def wrong(self: WaitNode, run: Any, facts: Any, /) -> Any:
        if run.person_no == stage.person("bob"):
            raise ZeroDivisionError
        return right(self, run, facts)

    monkeypatch.setattr(WaitNode, "decide", wrong)
    await stage.advance(hours=2)
    states = {run["person_id"]: (run["state"], run["reason"]) for run in await stage.runs(journey)}
    assert sorted(states.values(), key=str) == [("completed", None), ("completed", None), ("exited", "error")]


async def test_a_run_whose_writing_fails_is_found_and_the_others_go_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey = await stage.journey({"entry": GO, "nodes": [wait("w", "PT1H"), SEND]})
    await stage.say(*[stage.event(f"p{number}", "go") for number in range(20)])
    right = WaitNode.decide

    def unwritable(self: WaitNode, run: Any, facts: Any, /) -> Any:
        found = right(self, run, facts)
        if run.person_no == stage.person("p7"):
            run.node = "w\0"
        return found

    monkeypatch.setattr(WaitNode, "decide", unwritable)
    await stage.app.put_clock(stage.now + timedelta(hours=2), held=False)
    states: list[str] = []
    async with asyncio.timeout(60):
        while states.count("completed") < 19:
            states = [run["state"] for run in await stage.runs(journey)]
            await asyncio.sleep(0.02)
    assert states.count("completed") == 19


async def test_a_disabled_workspace_freezes_its_waits(stage: Stage) -> None:
    journey = await stage.journey({"entry": GO, "nodes": [wait("w", "PT1H"), SEND]})
    await stage.say(stage.event("ann", "go"))
    database = stage.app.runtime.worker_database
    async with database.transaction(1) as tx:
        await tx.execute(statement("update workspace set status = 'disabled' where workspace_id = 1"))
    await stage.app.put_clock(stage.now + timedelta(hours=2), held=False)
    await asyncio.sleep(0.3)
    assert [run["state"] for run in await stage.runs(journey)] == ["waiting"]
    async with database.transaction(1) as tx:
        await tx.execute(statement("update workspace set status = 'active' where workspace_id = 1"))
    await stage.app.drain()
    assert [run["state"] for run in await stage.runs(journey)] == ["completed"]


async def test_racing_workers_never_advance_a_run_twice(stage: Stage) -> None:
    journey = await stage.journey({"entry": GO, "nodes": [wait("w", "PT1H"), SEND]})
    await stage.say(*[stage.event(f"p{number}", "go") for number in range(60)])
    stage.app.runtime.parts.most_runs = 7
    await stage.app.put_clock(stage.now + timedelta(hours=1), held=False)
    await asyncio.gather(*(advance_due_runs.run(stage.app.runtime) for _ in range(30)))
    await stage.app.drain()
    assert [run["state"] for run in await stage.runs(journey)] == ["completed"] * 60
    intents = await stage.read_outbox()
    assert len({intent.idempotency_key for intent in intents}) == len(intents) == 60


async def test_counts_per_node_equal_the_step_log(stage: Stage) -> None:
    split = {"id": "s", "type": "split_value", "name": "n", "cases": [{"op": "lt", "value": 5, "to": "w"}],
             "otherwise": "hello"}  # fmt: skip
    journey = await stage.journey({"entry": GO, "nodes": [split, wait("w", "PT1H"), SEND]})
    await stage.say(*[stage.event(f"p{n}", "go", properties={"n": n}) for n in range(8)])
    funnel = (await stage.app.client.get(f"/v1/journey/journeys/{journey}/funnel")).json()
    nodes = {node["node"]: (node["entered"], node["waiting"], node["left"]) for node in funnel["nodes"]}
    assert nodes == {
        "entry": (8, 0, {"next": 8}), "s": (8, 0, {"cases/0/to": 5, "otherwise": 3}), "w": (5, 5, {}),
        "hello": (3, 0, {"next": 3}),
    }  # fmt: skip
    await stage.advance(hours=2)
    funnel = (await stage.app.client.get(f"/v1/journey/journeys/{journey}/funnel")).json()
    assert {node["node"]: node["waiting"] for node in funnel["nodes"]}["w"] == 0


async def test_a_wait_ends_only_when_everything_received_before_it_is_applied(house: House) -> None:
    house.records = [
        msgspec.structs.replace(record, driven_now=None) if isinstance(record, Workspace) else record
        for record in house.records
    ]
    async with a_stage(house) as stage:
        journey = await stage.journey({"entry": GO, "nodes": [wait("w", "PT0.3S"), SEND]})
        await stage.say(stage.event("ann", "go"), drain=False)
        async with asyncio.timeout(60):
            while not await stage.runs(journey):
                await asyncio.sleep(0.02)
        await asyncio.sleep(1.2)
        assert [run["state"] for run in await stage.runs(journey)] == ["waiting"]
        stage.neighbours.watermark = stage.now + timedelta(minutes=1)
        async with asyncio.timeout(60):
            while [run["state"] for run in await stage.runs(journey)] != ["completed"]:
                await asyncio.sleep(0.02)
