"""The journey service's routes: bad input, keys, pages, another workspace, enrolment."""

from typing import Any
from uuid import uuid4

import pytest

from libs.common.ids import new_id
from tests.journey.stage import GO, SEND, Stage, named

WAIT = {"id": "w", "type": "wait", "for": "P1D"}


async def test_a_draft_may_be_wrong_and_says_what_is(stage: Stage) -> None:
    journey = await stage.journey({"nodes": [{"id": "w", "type": "wait"}]}, publish=False)
    view = (await stage.app.client.get(f"/v1/journey/journeys/{journey}")).json()
    assert {problem["pointer"] for problem in view["problems"]} == {"/entry", "/nodes/0"}
    answer = await stage.app.client.post(f"/v1/journey/journeys/{journey}/publish", json={})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/entry", "/nodes/0"}


async def test_an_unknown_segment_is_named_with_its_pointer(stage: Stage) -> None:
    split = {"id": "s", "type": "split", "segment": str(new_id()), "yes": None, "no": None}
    journey = await stage.journey(
        {"entry": {"on": "segment_entered", "segment": "not an id"}, "nodes": [split]}, publish=False
    )
    answer = await stage.app.client.post(f"/v1/journey/journeys/{journey}/publish", json={})
    assert {(e["pointer"], e["code"]) for e in answer.json()["errors"]} == {
        ("/entry/segment", "unknown_segment"), ("/nodes/0/segment", "unknown_segment"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "definition",
    [
        {"entry": [], "nodes": {}},
        {"entry": {"on": "event", "event": 5}, "nodes": [[]]},
        {"entry": GO, "nodes": [{"id": {}, "type": []}]},
        {"entry": GO, "nodes": [{"id": "a", "type": "wait", "for": "P" + "9" * 50 + "D"}]},
        {
            "entry": GO,
            "nodes": [{"id": "a", "type": "wait", "until": {"kind": "rrule", "rrule": "X", "start_local": 1}}],
        },
        {"entry": GO, "entry_key": ["cart"], "nodes": [SEND]},
        {"entry": GO, "re_entry": "sometimes", "nodes": [SEND]},
        {"entry": GO, "goal": {}, "nodes": [SEND]},
        {"entry": GO, "control": {"percent": 100}, "nodes": [SEND]},
        {"entry": GO, "exit_rules": [{"event": "x", "segment": "y"}], "nodes": [SEND]},
        {"entry": {"on": "event", "event": "go", "filter": [{"path": "a", "op": "in"}]}, "nodes": [SEND]},
    ],
)
async def test_a_wrong_definition_is_a_problem_and_never_a_fault(
    lasting_stage: Stage, definition: dict[str, Any]
) -> None:
    journey = await lasting_stage.journey(definition, publish=False)
    answer = await lasting_stage.app.client.post(f"/v1/journey/journeys/{journey}/publish", json={})
    assert answer.status_code == 422
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    "text", ["a\\u0000", "\\ud800", '", "b": 1e999, "c": "', '", "n": 99999999999999999999, "c": "']
)
async def test_what_cannot_be_kept_is_refused_at_the_door(stage: Stage, text: str) -> None:
    body = '{"name": "J", "definition": {"nodes": [{"id": "' + text + '"}]}}'
    answer = await stage.app.client.post(
        "/v1/journey/journeys", content=body.encode(), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == "/definition"


async def test_a_name_is_a_text_that_can_be_kept(stage: Stage) -> None:
    for name in ("a\\u0000", "\\ud800"):
        answer = await stage.app.client.post(
            "/v1/journey/journeys", content=('{"name": "' + name + '"}').encode(),
            headers={"content-type": "application/json"},
        )  # fmt: skip
        assert answer.status_code == 422, answer.text


async def test_lists_go_page_by_page(stage: Stage) -> None:
    made = [await stage.journey({}, name=f"J{number}", publish=False) for number in range(5)]
    found: list[str] = []
    cursor = None
    while True:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await stage.app.client.get("/v1/journey/journeys", params=query)).json()
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == made[::-1]
    assert (await stage.app.client.get("/v1/journey/journeys", params={"cursor": "%%%"})).status_code == 422


async def test_runs_are_found_by_state_and_person(stage: Stage) -> None:
    journey = await stage.journey({"entry": GO, "nodes": [WAIT]})
    await stage.say(stage.event("ann", "go"), stage.event("bob", "go"))
    assert len(await stage.runs(journey, state="waiting")) == 2
    assert await stage.runs(journey, state="completed") == []
    [run] = await stage.runs(journey, person_id=str(named("person", "ann")))
    assert run["person_id"] == str(named("person", "ann"))
    answer = await stage.app.client.get(f"/v1/journey/journeys/{journey}/runs", params={"state": "odd"})
    assert answer.status_code == 422


async def test_a_trace_says_each_step_with_its_time_version_and_reason(stage: Stage) -> None:
    events = [{"event": "paid", "to": "hello"}]
    wait = {"id": "wf", "type": "wait_for", "events": events, "timeout": "P1D", "timeout_to": None}
    journey = await stage.journey({"entry": GO, "nodes": [wait, SEND]})
    await stage.say(stage.event("ann", "go"))
    await stage.say(stage.event("ann", "paid", id="p1"))
    [intent] = await stage.read_outbox()
    await stage.say(stage.outcome(intent, "suppressed", "cap"))
    [run] = await stage.runs(journey)
    moments = await stage.steps(run["id"])
    assert [(m["node"], m["what"], m["branch"], m["reason"]) for m in moments] == [
        ("entry", "passed", "next", ""),
        ("wf", "arrived", "", ""),
        ("wf", "left", "events/0/to", "paid"),
        ("hello", "passed", "next", "requested"),
        ("hello", "message", "suppressed", "cap"),
    ]
    assert moments[2]["details"] == {"event_id": str(named("event", "p1"))}


async def test_a_call_brings_a_person_in_once_per_key(stage: Stage) -> None:
    filters = [{"path": "tier", "value": "gold"}]
    journey = await stage.journey({"entry": {"on": "api", "filter": filters}, "nodes": [WAIT]})
    stage.person("ann")
    body = {"person_id": str(named("person", "ann")), "properties": {"tier": "gold", "email": "a@x.org"}}
    path = f"/v1/journey/journeys/{journey}/runs"
    first = await stage.app.client.post(path, json=body, headers={"Idempotency-Key": "k"})
    assert first.status_code == 201, first.text
    again = await stage.app.client.post(path, json=body, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()) == (201, first.json())
    other = await stage.app.client.post(path, json={**body, "properties": {}}, headers={"Idempotency-Key": "k"})
    assert other.status_code == 422
    assert (await stage.app.client.post(path, json=body)).json()["reason"] == "re_entry"
    wrong = await stage.app.client.post(path, json={**body, "properties": {"tier": "tin"}})
    assert (wrong.status_code, wrong.json()["reason"]) == (200, "filter")
    nobody = await stage.app.client.post(path, json={"person_id": str(new_id())})
    assert (nobody.status_code, nobody.json()["errors"][0]["pointer"]) == (422, "/person_id")
    await stage.app.drain()
    assert [run["state"] for run in await stage.runs(journey)] == ["waiting"]


async def test_only_live_journeys_take_calls(stage: Stage) -> None:
    journey = await stage.journey({"entry": {"on": "api"}, "nodes": [WAIT]}, publish=False)
    stage.person("ann")
    body = {"person_id": str(named("person", "ann"))}
    assert (await stage.app.client.post(f"/v1/journey/journeys/{journey}/runs", json=body)).status_code == 409


async def test_another_workspace_sees_nothing(stage: Stage) -> None:
    journey = await stage.journey({"entry": GO, "nodes": [WAIT]})
    await stage.say(stage.event("ann", "go"))
    [run] = await stage.runs(journey)
    foreign = stage.app.as_service("console", workspace_id=2)
    for method, path, body in (
        ("GET", f"/v1/journey/journeys/{journey}", None),
        ("GET", f"/v1/journey/journeys/{journey}/versions", None),
        ("GET", f"/v1/journey/journeys/{journey}/runs", None),
        ("GET", f"/v1/journey/journeys/{journey}/funnel", None),
        ("GET", f"/v1/journey/runs/{run['id']}", None),
        ("PUT", f"/v1/journey/journeys/{journey}/draft", {"definition": {}}),
        ("POST", f"/v1/journey/journeys/{journey}/publish", {}),
        ("POST", f"/v1/journey/journeys/{journey}/pause", None),
        ("POST", f"/v1/journey/journeys/{journey}/resume", None),
        ("POST", f"/v1/journey/journeys/{journey}/stop", None),
    ):
        answer = await stage.app.client.request(method, path, json=body, headers=foreign)
        assert answer.status_code == 404, (method, path, answer.text)
    assert (await stage.app.client.get("/v1/journey/journeys", headers=foreign)).json()["items"] == []


async def test_an_outcome_from_another_workspace_moves_no_run(stage: Stage) -> None:
    import msgspec

    caring = {**SEND, "on_drop": "exit"}
    journey = await stage.journey({"entry": GO, "nodes": [caring]})
    await stage.say(stage.event("ann", "go"))
    [intent] = await stage.read_outbox()
    forged = msgspec.structs.replace(stage.outcome(intent, "suppressed", "cap"), workspace_id=2)
    await stage.say(forged, workspace_id=2)
    assert [run["state"] for run in await stage.runs(journey)] == ["waiting"]


async def test_missing_things_are_404_and_broken_json_400(stage: Stage) -> None:
    client = stage.app.client
    assert (await client.get(f"/v1/journey/journeys/{uuid4()}")).status_code == 404
    assert (await client.get("/v1/journey/journeys/odd")).status_code == 422
    answer = await client.post("/v1/journey/journeys", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert (await client.post("/v1/journey/journeys", json={"name": ""})).status_code == 422
