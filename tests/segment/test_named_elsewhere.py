"""A segment that a journey or the rule of a tag names is not deleted, and says who names it."""

import httpx
import pytest
import pytest_asyncio

from tests.fixtures.apps import House
from tests.segment.stage import WORKSPACE, a_stage

SEGMENTS = "/v1/segment/segments"


@pytest_asyncio.fixture
async def all_three(house: House):
    """Segment, and the real journey and profile beside it."""
    profile, journey = await house.start("profile"), await house.start("journey")
    return await a_stage(house), journey, profile.client


def by_segment(segment: str) -> dict[str, object]:
    """Return a journey whose split names a segment within a condition, in capitals."""
    split = {"id": "ask", "type": "split", "condition": {"all": [{"in_segment": segment.upper()}]}, "yes": None,
             "no": None}  # fmt: skip
    return {"entry": {"on": "event", "event": "go"}, "nodes": [split]}


def without() -> dict[str, object]:
    return {"entry": {"on": "event", "event": "go"}, "nodes": [{"id": "rest", "type": "wait", "for": "P1D"}]}


def after_a_day(segment: str) -> dict[str, object]:
    nodes = [{"id": "rest", "type": "wait", "for": "P1D"},
             {"id": "ask", "type": "split", "segment": segment, "yes": None, "no": None}]  # fmt: skip
    return {"entry": {"on": "event", "event": "go"}, "nodes": nodes}


async def named_by(stage, segment):
    answer = await stage.app.client.get(f"{SEGMENTS}/{segment}/dependents")
    assert answer.status_code == 200, answer.text
    return [(one["kind"], one["name"], one["state"]) for one in answer.json()["named_by"]]


async def delete(stage, segment):
    answer = await stage.app.client.delete(f"{SEGMENTS}/{segment}")
    return answer.status_code, answer.json().get("detail", "") if answer.content else ""


async def test_a_journey_keeps_a_segment_until_it_is_stopped(all_three):
    stage, journey_app, _ = all_three
    journeys = journey_app.client
    segment, other = await stage.segment({"did": "a"}), await stage.segment({"did": "b"})
    made = await journeys.post("/v1/journey/journeys", json={"name": "Spring", "definition": by_segment(segment)})
    journey = made.json()["id"]
    assert await named_by(stage, segment) == [("journey", "Spring", "draft")] and await named_by(stage, other) == []
    published = await journeys.post(f"/v1/journey/journeys/{journey}/publish", json={})
    assert published.status_code == 200, published.text
    assert await named_by(stage, segment) == [("journey", "Spring", "live")]
    code, why = await delete(stage, segment)
    assert code == 409 and f"journey `Spring` ({journey}, live)" in why, why
    assert (await journeys.post(f"/v1/journey/journeys/{journey}/stop")).status_code == 200
    assert await named_by(stage, segment) == []
    assert (await delete(stage, segment), await delete(stage, other)) == ((204, ""), (204, ""))


async def test_a_version_keeps_it_while_people_are_in_it_and_no_longer(all_three):
    stage, journey, _ = all_three
    journeys = journey.client
    segment = await stage.segment({"did": "a"})
    made = await journeys.post("/v1/journey/journeys", json={"name": "Spring", "definition": after_a_day(segment)})
    url = f"/v1/journey/journeys/{made.json()['id']}"
    await journeys.post(f"{url}/publish", json={})
    await stage.create("kim")
    await stage.event("kim", "go")
    await journey.drain(WORKSPACE)
    assert (await journeys.put(f"{url}/draft", json={"definition": without()})).status_code == 200
    assert await named_by(stage, segment) == [("journey", "Spring", "live")], "the version that people come into"
    published = await journeys.post(f"{url}/publish", json={"policy": "pin", "deleted": {"ask": "stay"}})
    assert published.status_code == 200, published.text
    assert await named_by(stage, segment) == [("journey", "Spring", "live")], "kim is in the version of before"
    await stage.erase("kim")
    await journey.drain(WORKSPACE)
    assert await named_by(stage, segment) == []
    assert (await delete(stage, segment))[0] == 204


async def test_the_rule_of_a_tag_keeps_a_segment(all_three):
    stage, _, profile = all_three
    segment = await stage.segment({"did": "a"})
    for tag, rule in (("keen", {"in_segment": segment}), ("cold", {"not_in_segment": segment}), ("x", {"did": "a"})):
        put = await profile.put(f"/v1/profile/tags/{tag}", json={"kind": "rule", "rule": rule})
        assert put.status_code == 200, put.text
    assert await named_by(stage, segment) == [("tag", "cold", "live"), ("tag", "keen", "live")]
    code, why = await delete(stage, segment)
    assert code == 409 and "tag `cold`, tag `keen`" in why, why


@pytest.mark.parametrize("silent", ["journey", "profile"])
async def test_nothing_is_deleted_while_a_neighbour_cannot_say(house: House, silent: str) -> None:
    stage = await a_stage(house)
    segment = await stage.segment({"did": "a"})

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    house.transports[silent] = httpx.MockTransport(away)
    code, why = await delete(stage, segment)
    assert code == 503 and silent in why
    assert (await stage.app.client.get(f"{SEGMENTS}/{segment}")).status_code == 200
