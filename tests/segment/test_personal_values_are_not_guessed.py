"""Who may not read personal values gets no yes or no about them either: the matrix of rights, questions and ways."""

from typing import Any

import pytest

from libs.common.access.keys import key_hash, new_key
from libs.common.access.model import ROLE_SCOPES, ApiKey
from tests.fixtures.apps import House
from tests.segment.stage import Stage, a_stage

EMAIL = {"trait": "email", "op": "equals", "value": "kim@example.com"}
TELLING: list[tuple[dict[str, Any], str]] = [
    (EMAIL, ""),
    ({"trait": "email", "op": "not_contains", "value": "x"}, ""),
    ({"none": [{"trait": "birthday", "op": "anniversary", "in_days": 1}]}, "/none/0"),
    ({"trait": "phone", "op": "has_been", "value": "1", "for_at_least": "1 day"}, ""),
    # by no name of its own, only because a source's plan says so
    ({"any": [{"did": "e"}, {"trait": "loyalty", "op": "starts_with", "value": "K"}]}, "/any/1"),
    ({"trait": ["profile", "billing_email"], "op": "equals", "value": "x"}, ""),
    ({"account": "any", "where": [{"trait": "seats", "op": "gt", "value": 1},
                                  {"trait": "phone", "op": "equals", "value": "1"}]}, "/where/1"),
    ({"account": "none", "where": [{"trait": "boss", "op": "equals", "value": "Kim"}]}, "/where/0"),
]  # fmt: skip
FREE: list[dict[str, Any]] = [
    {"trait": "email", "op": "exists"},
    {"trait": "birthday", "op": "missing"},
    {"trait": "city", "op": "equals", "value": "Rome"},
    {"trait": "never heard of", "op": "equals", "value": 1},
    {"account": "any", "where": [{"trait": "phone", "op": "exists"}, {"trait": "plan", "op": "equals", "value": "x"}]},
    {"did": "e", "where": [{"prop": "city", "op": "equals", "value": "Rome"}]},
    {"reachable": "email"},
]
CALLERS = {
    **{role: (scopes, role == "admin") for role, scopes in ROLE_SCOPES.items()},
    "key for segments": (("segments:write",), False),
    "key for segments and personal values": (("segments:write", "personal:read"), True),
}


async def furnished(house: House) -> Stage:
    stage = await a_stage(house)
    await stage.trait("kim", "email", "kim@example.com", personal=True)
    await stage.trait("kim", "loyalty", "K-77", personal=True)
    await stage.trait("kim", "city", "Rome")
    await stage.group("kim", "acme")
    await stage.account("acme", "boss", "Kim", personal=True)
    return stage


def headers_of(house: House, scopes: tuple[str, ...]) -> dict[str, str]:
    key = new_key("secret")
    record = ApiKey(key_id=key[-9:], kind="secret", hash=key_hash(key), workspace_id=1, scopes=scopes)
    house.records.append(record)
    return {"authorization": f"Bearer {key}"}


def ways(definition: dict[str, Any], person: int) -> list[tuple[str, dict[str, Any], str]]:
    """Return the ways to put a definition, and the pointer under which each reads it."""
    live = {"state": "live"}
    axis = {"name": "a", "values": [{"key": "v", "name": "V", "definition": definition}]}
    return [
        ("preview", {"definition": definition}, "/definition"),
        ("explain", {"definition": definition, "person_no": person}, "/definition"),
        ("questions/membership", {"condition": definition, "person_nos": [person]}, "/condition"),
        ("questions/membership", {"condition": definition, "person_nos": []}, "/condition"),
        ("segments", {"name": "s", "definition": definition, **live}, "/definition"),
        ("segments/grid", {"name": "{a}", "axes": [axis], **live}, "/axes/0/values/0/definition"),
        ("segments/grid", {"name": "{a}", "axes": [{**axis, "values": [{**axis["values"][0], "definition": FREE[0]}]}],
                           "base": definition, **live}, "/base"),
    ]  # fmt: skip


@pytest.mark.parametrize("caller", CALLERS)
async def test_a_question_about_personal_values_is_for_who_may_read_them(house, caller):
    scopes, may_read = CALLERS[caller]
    headers = headers_of(house, scopes)
    stage = await furnished(house)
    for definition, place in [*TELLING, *((one, None) for one in FREE)]:
        for path, body, pointer in ways(definition, stage.person("kim")):
            answer = await stage.app.client.post(f"/v1/segment/{path}", json=body, headers=headers)
            if caller == "viewer" and path.startswith("segments"):
                assert answer.status_code == 403, "he writes no segments at all"
                continue
            if place is None or may_read:
                assert answer.status_code in (200, 201), (path, definition, answer.text)
                continue
            assert answer.status_code == 403, (path, definition, answer.text)
            errors = answer.json()["errors"]
            assert [(one["pointer"], one["code"]) for one in errors] == [(pointer + place, "personal")]
            assert "personal:read" in errors[0]["detail"]


async def test_what_is_live_stays_readable_and_a_draft_waits_for_who_may(house):
    marketer = {"headers": headers_of(house, ROLE_SCOPES["marketer"])}
    stage = await furnished(house)
    client, url = stage.app.client, "/v1/segment/segments"
    live = await stage.segment(EMAIL)
    for path, body in (
        ("preview", {"definition": {"in_segment": live}}),
        ("questions/membership", {"segment_id": live, "person_nos": [stage.person("kim")]}),
        ("explain", {"segment_id": live, "person_no": stage.person("kim")}),
    ):
        answer = await client.post(f"/v1/segment/{path}", json=body, **marketer)
        assert answer.status_code == 200, (path, answer.text)
        assert "kim@" not in answer.text
    assert (await client.get(f"{url}/{live}", **marketer)).json()["size"] == 1
    assert (await client.patch(f"{url}/{live}", json={"name": "Kim"}, **marketer)).status_code == 200
    other = {"definition": {**EMAIL, "value": "lea@example.com"}}
    refused = await client.patch(f"{url}/{live}", json=other, **marketer)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (403, "/definition")
    draft = (await client.post(url, json={"name": "d", "definition": EMAIL}, **marketer)).json()
    assert [one["pointer"] for one in draft["warnings"]] == ["/definition"]
    publish = {"json": {"state": "live"}}
    assert (await client.patch(f"{url}/{draft['segment_id']}", **publish, **marketer)).status_code == 403
    assert (await client.get(f"{url}/{draft['segment_id']}", **marketer)).json()["state"] == "draft"
    assert (await client.patch(f"{url}/{draft['segment_id']}", **publish)).status_code == 200


async def test_a_name_that_the_workspace_calls_plain_is_asked_for_by_everybody(house, monkeypatch):
    viewer = headers_of(house, ROLE_SCOPES["viewer"])
    stage = await a_stage(house)
    monkeypatch.setattr(stage.app.runtime, "personal_names", lambda _: {"birthday": False, "shoe": True})
    for trait, status in (("birthday", 200), ("shoe", 403), ("email", 403)):
        body = {"definition": {"trait": trait, "op": "starts_with", "value": "1"}}
        answer = await stage.app.client.post("/v1/segment/preview", json=body, headers=viewer)
        assert answer.status_code == status, (trait, answer.text)


async def test_a_service_asks_for_somebody_with_no_more_than_his_rights(house):
    stage = await furnished(house)
    for may, status in ((True, 200), (False, 403)):
        body = {"condition": EMAIL, "person_nos": [], "may_read_personal": may}
        answer = await stage.app.client.post("/v1/segment/questions/membership", json=body)
        assert answer.status_code == status
