"""The sample conformance cases, through the service's events and its public API under a driven clock."""

import pytest

from tests.fixtures.shared_data import sample_cases
from tests.segment.neutral import Timeline, a_stage_at

CASES = sample_cases("segments_sample.json") or {"truth_table": [], "dates": [], "timelines": []}
SINGLE = [*CASES["truth_table"], *CASES["dates"]]
OWN = [
    {
        "id": "own-1",
        "title": "a bucket splits, and stays when others join",
        "start": "2024-05-06T18:00:00Z",
        "persons": {f"p{number}": {} for number in range(30)},
        "segments": {"half": {"bucket": {"salt": "a", "from": 0, "to": 50}}},
        "steps": [
            {"at": "2024-05-06T18:00:01Z", "expect_split": {"half": [6, 24]}},
            {"at": "2024-05-06T18:01:00Z", "event": {"person": "q1", "name": "seen"}},
            {"at": "2024-05-06T18:01:01Z", "expect_unchanged": ["half"]},
        ],
    },
    {
        "id": "own-2",
        "title": "accounts, messages, new versions, transitions and what is refused",
        "start": "2024-05-06T18:00:00Z",
        "persons": {"kim": {"age": 3}, "lea": {}},
        "segments": {
            "paid": {"account": "any", "trait": "plan", "op": "equals", "value": "paid"},
            "told": {"message": "received", "channel": "sms"},
            "aged": {"trait": "age", "op": "gte", "value": 3},
        },
        "steps": [
            {"at": "2024-05-06T18:00:01Z", "account": {"id": "acme", "person": "lea", "traits": {"plan": "paid"}}},
            {"at": "2024-05-06T18:00:02Z", "message": {"person": "kim", "message": "received", "channel": "sms"}},
            {"at": "2024-05-06T18:00:03Z", "expect": {"paid": ["lea"], "told": ["kim"], "aged": ["kim"]}},
            {"at": "2024-05-06T18:00:04Z", "define": {"aged": {"trait": "age", "op": "gte", "value": 4}}},
            {"at": "2024-05-06T18:00:05Z", "expect": {"aged": []}},
            {"at": "2024-05-06T18:00:05Z", "expect_transitions": {"aged": {"kim": ["entered", "exited"]}}},
            {
                "at": "2024-05-06T18:00:06Z",
                "expect_refused": {"definition": {"all": [{"any": []}]}, "pointer": "/all/0/any"},
            },
        ],
    },
]
"""Steps of the neutral form of which the sample holds no case."""


def titles(cases):
    return [f"{case['id']} {case['title']}" for case in cases]


@pytest.mark.parametrize("case", SINGLE, ids=titles(SINGLE))
async def test_one_condition_on_one_person(house, case):
    stage = await a_stage_at(house, case["now"], case.get("zone", "UTC"))
    timeline = Timeline(stage)
    body = {"name": "c", "state": "live", "definition": timeline.definition(case["condition"])}
    if case["expect"] == "invalid":
        assert (await stage.app.client.post("/v1/segment/segments", json=body)).status_code == 422
        return
    await stage.create("one")
    segment = await stage.segment(body["definition"])
    await timeline.traits("one", case["traits"])
    assert (await stage.members(segment) == {"one"}) is case["expect"]
    assert await stage.ask("one", condition=body["definition"]) is case["expect"]
    await stage.assert_no_drift()


@pytest.mark.parametrize("case", [*CASES["timelines"], *OWN], ids=titles([*CASES["timelines"], *OWN]))
async def test_a_timeline(house, case):
    timeline = Timeline(await a_stage_at(house, case["start"], case.get("zone", "UTC")))
    await timeline.begin(case)
    for step in case["steps"]:
        await timeline.play(step)
