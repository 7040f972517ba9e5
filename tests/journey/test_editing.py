"""Publishing a new version while people are inside; pause, resume, stop."""

from datetime import datetime, timedelta
from typing import Any

from tests.journey.stage import GO, SEND, Stage, wait


def journey_of(*nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"entry": GO, "nodes": list(nodes), **more}


async def only(stage: Stage, journey: str) -> dict[str, Any]:
    [run] = await stage.runs(journey)
    return run


async def test_publishing_asks_what_becomes_of_the_people_inside(stage: Stage) -> None:
    journey = await stage.journey(journey_of(wait("w", "P1D")))
    await stage.say(stage.event("ann", "go"))
    answer = await stage.app.client.post(f"/v1/journey/journeys/{journey}/publish", json={})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/policy")
    await stage.publish(journey, policy="pin")


async def test_deleting_a_node_with_people_in_it_asks_where_they_go(stage: Stage) -> None:
    journey = await stage.journey(journey_of(wait("w", "P1D"), SEND))
    await stage.say(stage.event("ann", "go"))
    await stage.app.client.put(f"/v1/journey/journeys/{journey}/draft", json={"definition": journey_of(SEND)})
    answer = await stage.app.client.post(f"/v1/journey/journeys/{journey}/publish", json={"policy": "follow"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/deleted/w")


async def test_pinned_people_finish_on_their_version_and_new_ones_get_the_new_one(stage: Stage) -> None:
    journey = await stage.journey(journey_of(wait("w", "P2D")))
    await stage.say(stage.event("ann", "go"))
    await stage.edit(journey, journey_of(wait("w", "P1D")), policy="pin")
    await stage.say(stage.event("bob", "go"))
    start = stage.now
    await stage.advance(days=3)
    ended = {run["version"]: datetime.fromisoformat(run["ended_at"]) - start for run in await stage.runs(journey)}
    assert ended == {1: timedelta(days=2), 2: timedelta(days=1)}


async def test_a_shortened_delay_is_rearmed_at_once_and_the_overdue_go_on_now(stage: Stage) -> None:
    journey = await stage.journey(journey_of(wait("w", "P5D"), SEND))
    await stage.say(stage.event("ann", "go"))
    entered = stage.now
    await stage.advance(days=1)
    await stage.edit(journey, journey_of(wait("w", "P3D"), SEND), policy="follow")
    await stage.app.drain()
    assert datetime.fromisoformat((await only(stage, journey))["due_at"]) == entered + timedelta(days=3)
    await stage.edit(journey, journey_of(wait("w", "PT1H"), SEND), policy="follow")
    await stage.app.drain()
    run = await only(stage, journey)
    assert (run["state"], datetime.fromisoformat(run["ended_at"])) == ("completed", stage.now)


async def test_a_lengthened_delay_is_rearmed(stage: Stage) -> None:
    journey = await stage.journey(journey_of(wait("w", "P1D"), SEND))
    await stage.say(stage.event("ann", "go"))
    entered = stage.now
    await stage.edit(journey, journey_of(wait("w", "P4D"), SEND), policy="follow")
    await stage.advance(days=5)
    assert datetime.fromisoformat((await only(stage, journey))["ended_at"]) == entered + timedelta(days=4)


async def test_people_in_a_deleted_node_go_where_the_author_said(stage: Stage) -> None:
    for choice, state, version in (("next", "completed", 2), ("exit", "exited", 2), ("stay", "waiting", 1)):
        journey = await stage.journey(journey_of(wait("w", "P1D"), SEND))
        await stage.say(stage.event("ann", "go"))
        await stage.edit(journey, journey_of(SEND), policy="follow", deleted={"w": choice})
        await stage.app.drain()
        run = await only(stage, journey)
        assert (run["state"], run["version"]) == (state, version)
        assert run["reason"] == ("version" if choice == "exit" else None)


async def test_a_node_added_behind_a_person_never_runs_for_him(stage: Stage) -> None:
    journey = await stage.journey(journey_of(wait("w", "P1D"), SEND))
    await stage.say(stage.event("ann", "go"))
    early = {"id": "early", "type": "send", "channel": "email"}
    await stage.edit(journey, journey_of(early, wait("w", "P1D"), SEND), policy="follow")
    await stage.advance(days=2)
    assert [intent.node for intent in await stage.read_outbox()] == ["hello"]


async def test_an_edge_that_was_rerouted_counts_at_the_next_move(stage: Stage) -> None:
    other = {"id": "other", "type": "send", "channel": "sms"}
    journey = await stage.journey(journey_of(wait("w", "P1D"), {**SEND, "next": None}))
    await stage.say(stage.event("ann", "go"))
    await stage.edit(journey, journey_of(wait("w", "P1D", next="other"), other), policy="follow")
    await stage.advance(days=2)
    [intent] = await stage.read_outbox()
    assert (intent.node, intent.journey_version) == ("other", 2)


async def test_a_published_version_cannot_be_changed_in_the_database(stage: Stage) -> None:
    from asyncpg import RaiseError

    from libs.common.db import statement

    await stage.journey(journey_of(SEND))
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        refused = False
        try:
            async with tx.savepoint():
                await tx.execute(statement("update journey_version set definition = '{}'"))
        except RaiseError:
            refused = True
    assert refused


async def test_a_pause_keeps_people_and_takes_nobody_in_and_a_resume_sends_once(stage: Stage) -> None:
    journey = await stage.journey(journey_of(wait("w", "PT1H"), SEND))
    await stage.say(stage.event("ann", "go"))
    assert (await stage.app.client.post(f"/v1/journey/journeys/{journey}/pause")).json()["status"] == "paused"
    await stage.say(stage.event("bob", "go"))
    await stage.advance(days=1)
    assert [run["state"] for run in await stage.runs(journey)] == ["waiting"]
    assert (await stage.app.client.post(f"/v1/journey/journeys/{journey}/resume")).status_code == 200
    await stage.app.drain()
    await stage.advance(days=1)
    assert [run["state"] for run in await stage.runs(journey)] == ["completed"]
    assert len(await stage.read_outbox()) == 1


async def test_a_resume_drops_what_expired_meanwhile(stage: Stage) -> None:
    journey = await stage.journey(journey_of(wait("w", "PT1H"), {**SEND, "expires": "PT6H"}))
    await stage.say(stage.event("ann", "go"))
    await stage.app.client.post(f"/v1/journey/journeys/{journey}/pause")
    await stage.advance(days=1)
    await stage.app.client.post(f"/v1/journey/journeys/{journey}/resume")
    await stage.app.drain()
    run = await only(stage, journey)
    assert (run["state"], [m["reason"] for m in await stage.steps(run["id"])][-1]) == ("completed", "expired")
    assert await stage.read_outbox() == []


async def test_exit_rules_act_during_a_pause(stage: Stage) -> None:
    journey = await stage.journey(journey_of(wait("w", "P1D"), exit_rules=[{"event": "paid"}]))
    await stage.say(stage.event("ann", "go"))
    await stage.app.client.post(f"/v1/journey/journeys/{journey}/pause")
    await stage.say(stage.event("ann", "paid"))
    assert (await only(stage, journey))["reason"] == "exit_rule"


async def test_a_signal_during_a_pause_does_not_move_the_wait(stage: Stage) -> None:
    nodes: list[dict[str, Any]] = [
        {"id": "wf", "type": "wait_for", "events": [{"event": "paid"}], "timeout": "P3D", "timeout_to": None},
        SEND,
    ]
    journey = await stage.journey(journey_of(*nodes))
    entered = stage.now
    await stage.say(stage.event("ann", "go"), stage.event("bob", "go"))
    await stage.app.client.post(f"/v1/journey/journeys/{journey}/pause")
    await stage.say(stage.event("ann", "paid"))
    assert {run["state"] for run in await stage.runs(journey)} == {"waiting"}
    await stage.app.client.post(f"/v1/journey/journeys/{journey}/resume")
    await stage.app.drain()
    [intent] = await stage.read_outbox()
    assert intent.person_no == stage.person("ann")
    [bob] = [run for run in await stage.runs(journey) if run["state"] == "waiting"]
    assert datetime.fromisoformat(bob["due_at"]) == entered + timedelta(days=3)


async def test_a_stop_ends_every_run_and_stays(stage: Stage) -> None:
    journey = await stage.journey(journey_of(wait("w", "P1D"), SEND))
    await stage.say(stage.event("ann", "go"), stage.event("bob", "go"))
    await stage.app.client.post(f"/v1/journey/journeys/{journey}/stop")
    await stage.app.drain()
    assert [(run["state"], run["reason"]) for run in await stage.runs(journey)] == [("exited", "operator")] * 2
    for change in ("pause", "resume", "stop"):
        assert (await stage.app.client.post(f"/v1/journey/journeys/{journey}/{change}")).status_code == 409
    assert (await stage.app.client.post(f"/v1/journey/journeys/{journey}/publish", json={})).status_code == 409


async def test_the_backlog_of_a_resume_is_released_a_thousand_a_second(stage: Stage) -> None:
    from services.journey.store import publishing

    journey = await stage.journey(journey_of(wait("w", "PT1H"), SEND))
    await stage.say(*[stage.event(f"p{number}", "go") for number in range(9)])
    await stage.app.client.post(f"/v1/journey/journeys/{journey}/pause")
    await stage.advance(hours=5)
    publishing.RELEASED_PER_SECOND, usual = 4, publishing.RELEASED_PER_SECOND
    try:
        await stage.app.client.post(f"/v1/journey/journeys/{journey}/resume")
    finally:
        publishing.RELEASED_PER_SECOND = usual
    start = stage.now
    await stage.advance(seconds=10)
    after = sorted((datetime.fromisoformat(run["ended_at"]) - start).seconds for run in await stage.runs(journey))
    assert after == [0] * 4 + [1] * 4 + [2]
