"""Events of one instant stand in the order in which their sender told them, from the collector to the sequence."""

from tests.fixtures.apps import House
from tests.fixtures.draining import drained
from tests.segment.stage import a_stage

PERSONS = 20


def _told(person: int, event: str) -> dict[str, object]:
    return {
        "type": "track",
        "event": event,
        "userId": f"u{person}",
        "messageId": f"{person}-{event}",
        "timestamp": "2026-03-01T07:59:00Z",
    }


async def test_events_of_one_second_in_one_batch_stand_as_they_were_told(house: House):
    identity = await house.start("identity")
    stage = await a_stage(house)
    batch = [_told(person, event) for person in range(PERSONS) for event in ("x", "y")]
    headers = {"authorization": f"Bearer {house.write_key}"}
    answer = await identity.client.post("/v1/batch", json={"batch": batch}, headers=headers)
    assert answer.status_code == 200, answer.text
    await drained([identity, stage.app])
    for definition, count in (
        ({"sequence": [{"event": "x"}, {"event": "y"}]}, PERSONS),
        ({"sequence": [{"event": "y"}, {"event": "x"}]}, 0),
        ({"did": "y", "window": {"since": {"event": "x"}}}, PERSONS),
        ({"did": "x", "window": {"since": {"event": "y"}}}, 0),
    ):
        assert (await stage.preview(definition))["count"] == count, definition
