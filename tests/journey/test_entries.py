"""Who enters a journey, how often, and in which arm."""

from datetime import timedelta
from typing import Any

import pytest

from tests.journey.stage import GO, SEND, Stage, wait


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
        # from the first of March a month is 31 days, from the first of April 30
        ({"re_entry": {"after": "P1M"}}, [0, 30.9, 31, 60.9, 61], 3),
        ({"re_entry": {"after": "P1MT12H"}}, [0, 31.4, 31.5], 2),
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
