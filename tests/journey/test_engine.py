"""The engine on the app: time passes, things happen, runs step."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from libs.common.access.model import Workspace
from libs.common.db import statement
from services.journey.jobs import advance_due_runs
from services.journey.nodes.wait import WaitNode
from tests.fixtures.apps import House
from tests.journey.stage import Stage, a_stage

GO = {"on": "event", "event": "go"}
SEND = {"id": "hello", "type": "send", "channel": "email"}


def wait(name: str, duration: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "wait", "for": duration, **more}


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
    await stage.say(stage.event("ann", "paid", at=due - timedelta(seconds=1)), drain=False)
    await asyncio.sleep(0.3)
    await stage.app.put_clock(due, held=False)
    await stage.app.drain()
    assert await stage.read_outbox() == []


async def test_imported_and_unlistened_events_start_nothing(stage: Stage) -> None:
    journey = await stage.journey({"entry": GO, "nodes": [SEND]})
    await stage.say(stage.event("ann", "go", live=False), stage.event("bob", "other"))
    assert await stage.runs(journey) == []


async def test_an_unpublished_journey_collects_nobody(stage: Stage) -> None:
    journey = await stage.journey({"entry": GO, "nodes": [SEND]}, publish=False)
    await stage.say(stage.event("ann", "go"))
    await stage.publish(journey)
    assert await stage.runs(journey) == []
    await stage.say(stage.event("bob", "go"))
    assert len(await stage.runs(journey)) == 1


@pytest.mark.parametrize(
    ("policy", "days", "expected"),
    [
        ({"re_entry": "never"}, [0, 5], 1),
        ({"re_entry": "always"}, [0, 5], 2),
        ({"re_entry": {"after": "P7D"}}, [0, 6, 8, 9], 2),
        ({"re_entry": "after_leaving"}, [0, 0.5, 5], 2),
        ({"re_entry": "always", "concurrent": True}, [0, 0.5], 2),
        ({"re_entry": "always"}, [0, 0.5], 1),
        ({"re_entry": {"after": "P7D"}, "concurrent": True}, [0, 0.5, 7.5], 2),
    ],
)
async def test_re_entry_follows_the_rule(
    stage: Stage, policy: dict[str, Any], days: list[float], expected: int
) -> None:
    journey = await stage.journey({"entry": GO, **policy, "nodes": [wait("w", "P1D"), SEND]})
    start = stage.now
    for day in days:
        await stage.app.advance_to(start + timedelta(days=day))
        await stage.say(stage.event("ann", "go"))
    assert len(await stage.runs(journey)) == expected


async def test_many_entries_in_one_batch_follow_the_same_rules(stage: Stage) -> None:
    never = await stage.journey({"entry": GO, "nodes": [wait("w", "P1D")]})
    both = await stage.journey({"entry": GO, "re_entry": "always", "concurrent": True, "nodes": [wait("w", "P1D")]})
    events = [stage.event(name, "go", at=stage.now + timedelta(seconds=n)) for n in range(3) for name in ("ann", "bob")]
    await stage.say(*events)
    assert len(await stage.runs(never)) == 2
    assert len(await stage.runs(both)) == 6


async def test_a_percentage_split_gives_the_same_arm_on_re_entry(stage: Stage) -> None:
    def definition(first: float) -> dict[str, Any]:
        arms = [{"name": "a", "weight": first, "to": "yes"}, {"name": "b", "weight": 1, "to": "no"}]
        ends = [{"id": "yes", "type": "exit", "reason": "goal"}, {"id": "no", "type": "exit"}]
        return {"entry": GO, "re_entry": "always", "nodes": [{"id": "p", "type": "split_percent", "arms": arms}, *ends]}

    journey = await stage.journey(definition(1e6))
    await stage.say(stage.event("ann", "go"))
    await stage.edit(journey, definition(1e-6))
    await stage.say(stage.event("ann", "go"), stage.event("bob", "go"))
    reasons = {(run["person_id"], run["version"]): run["reason"] for run in await stage.runs(journey)}
    assert sorted(reasons.values()) == ["goal", "goal", "not_matching"]


async def test_the_control_arm_is_stored_at_entry_and_sends_nothing(stage: Stage) -> None:
    journey = await stage.journey(
        {"entry": GO, "control": {"percent": 50}, "goal": {"event": "paid", "window": "P7D"}, "nodes": [SEND]}
    )
    names = [f"p{number}" for number in range(40)]
    await stage.say(*[stage.event(name, "go") for name in names])
    arms = [run["arm"] for run in await stage.runs(journey)]
    assert 8 <= arms.count("control") <= 32
    assert len(await stage.read_outbox()) == arms.count("treatment")
    await stage.say(*[stage.event(name, "paid") for name in names])
    funnel = (await stage.app.client.get(f"/v1/journey/journeys/{journey}/funnel")).json()
    assert {state["arm"]: state["converted"] for state in funnel["states"]} == {
        arm: arms.count(arm) for arm in ("control", "treatment")
    }
    await stage.read_outbox()
    assert sum(p.converted for p in stage.progressed) == 40


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


async def test_a_silent_change_of_a_segment_starts_nothing_but_ends_runs(stage: Stage) -> None:
    vip = stage.segment("vip")
    entering = await stage.journey({"entry": {"on": "segment_entered", "segment": vip}, "nodes": [wait("w", "P1D")]})
    asked = await stage.journey(
        {"entry": {"on": "segment_entered", "segment": vip, "causes": ["backfill"]}, "nodes": [wait("w", "P1D")]}
    )
    ending = await stage.journey({"entry": GO, "exit_rules": [{"segment": vip}], "nodes": [wait("w", "P1D")]})
    await stage.say(stage.event("ann", "go"))
    await stage.say(stage.membership("ann", "vip", "entered", cause="backfill"))
    assert await stage.runs(entering) == []
    assert len(await stage.runs(asked)) == 1
    assert [run["reason"] for run in await stage.runs(ending)] == ["exit_rule"]


async def test_a_journey_may_begin_when_a_person_leaves_a_segment(stage: Stage) -> None:
    vip = stage.segment("vip")
    journey = await stage.journey({"entry": {"on": "segment_exited", "segment": vip}, "nodes": [SEND]})
    await stage.say(stage.membership("ann", "vip", "entered"))
    assert await stage.runs(journey) == []
    await stage.say(stage.membership("ann", "vip", "exited"))
    assert len(await stage.runs(journey)) == 1


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
    for _ in range(400):
        states = [run["state"] for run in await stage.runs(journey)]
        if states.count("completed") == 19:
            break
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
    stage.app.runtime.parts.share = stage.app.runtime.parts.most_runs = 7
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


async def test_a_cart_in_a_personal_property_is_keyed_without_showing_it(stage: Stage) -> None:
    journey = await stage.journey(
        {"entry": GO, "entry_key": ["person", "email"], "re_entry": "always", "nodes": [wait("w", "P1D")]}
    )
    sealer = stage.app.runtime.sealer(1)
    for address in ("a@x.org", "b@x.org", "a@x.org"):
        sealed = sealer.seal_json({"properties": {"email": address}, "traits": {}, "context": {}})
        await stage.say(stage.event("ann", "go", sealed=sealed))
    runs = await stage.runs(journey)
    assert len(runs) == 2
    assert not any("x.org" in run["key"] for run in runs)


async def test_a_wait_ends_only_when_everything_received_before_it_is_applied(house: House) -> None:
    house.records = [
        msgspec.structs.replace(record, driven_now=None) if isinstance(record, Workspace) else record
        for record in house.records
    ]
    async with a_stage(house) as stage:
        journey = await stage.journey({"entry": GO, "nodes": [wait("w", "PT0.3S"), SEND]})
        await stage.say(stage.event("ann", "go"), drain=False)
        await asyncio.sleep(1.2)
        assert [run["state"] for run in await stage.runs(journey)] == ["waiting"]
        stage.neighbours.watermark = stage.now + timedelta(minutes=1)
        for _ in range(200):
            if [run["state"] for run in await stage.runs(journey)] == ["completed"]:
                break
            await asyncio.sleep(0.02)
        assert [run["state"] for run in await stage.runs(journey)] == ["completed"]


async def test_personal_properties_of_the_entry_event_reach_the_message_sealed(stage: Stage) -> None:
    await stage.journey({"entry": GO, "nodes": [SEND]})
    sealer = stage.app.runtime.sealer(1)
    sealed = sealer.seal_json({"properties": {"email": "a@x.org"}, "traits": {"phone": "1"}, "context": {}})
    await stage.say(stage.event("ann", "go", properties={"total": 5}, sealed=sealed))
    [intent] = await stage.read_outbox()
    assert msgspec.json.decode(intent.context) == {"event": {"total": 5}}
    assert intent.sealed is not None
    assert sealer.open_json(intent.sealed) == {"event": {"email": "a@x.org"}}
