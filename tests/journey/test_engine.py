"""The engine on the app: time passes, runs step."""

from tests.journey.stage import Stage

SEND = {"id": "hello", "type": "send", "channel": "email"}


async def test_the_same_event_twice_makes_one_run(stage: Stage) -> None:
    journey = await stage.journey({"entry": {"on": "event", "event": "followed"}, "nodes": [SEND]})
    await stage.say(stage.event("ann", "followed", id="m1"))
    await stage.say(stage.event("ann", "followed", id="m1"))
    runs = await stage.runs(journey)
    assert [run["state"] for run in runs] == ["completed"]
    assert [intent.node for intent in await stage.read_outbox()] == ["hello"]
