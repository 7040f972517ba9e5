"""Who only looks on gets no yes or no about personal values either: the matrix of rights, questions and ways."""

from typing import Any

import pytest

from libs.common.access.keys import key_hash, new_key
from libs.common.access.model import ROLE_SCOPES, ApiKey
from tests.fixtures.apps import House
from tests.segment.stage import WORKSPACE, Stage, a_stage

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
    **{role: (scopes, role != "viewer") for role, scopes in ROLE_SCOPES.items()},
    "key that reads segments": (("segments:read",), False),
    "key that reads segments and personal values": (("segments:read", "personal:read"), True),
    "key for segments": (("segments:read", "segments:write"), True),
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
    """Return the ways to ask by a definition, and the pointer under which each reads it."""
    return [
        ("preview", {"definition": definition}, "/definition"),
        ("explain", {"definition": definition, "person_no": person}, "/definition"),
        ("questions/membership", {"condition": definition, "person_nos": [person]}, "/condition"),
        ("questions/membership", {"condition": definition, "person_nos": []}, "/condition"),
    ]


@pytest.mark.parametrize("caller", CALLERS)
async def test_a_question_about_personal_values_is_for_who_reads_them_or_writes_segments(house, caller):
    scopes, may_ask = CALLERS[caller]
    headers = headers_of(house, scopes)
    stage = await furnished(house)
    for definition, place in [*TELLING, *((one, None) for one in FREE)]:
        for path, body, pointer in ways(definition, stage.person("kim")):
            answer = await stage.app.client.post(f"/v1/segment/{path}", json=body, headers=headers)
            if place is None or may_ask:
                assert answer.status_code == 200, (path, definition, answer.text)
                assert "kim@" not in answer.text or "personal:read" in scopes or "*" in scopes
                continue
            assert answer.status_code == 403, (path, definition, answer.text)
            errors = answer.json()["errors"]
            assert [(one["pointer"], one["code"]) for one in errors] == [(pointer + place, "personal")]
            assert "personal:read" in errors[0]["detail"]


async def test_what_is_live_stays_readable(house):
    viewer = {"headers": headers_of(house, ROLE_SCOPES["viewer"])}
    marketer = {"headers": headers_of(house, ROLE_SCOPES["marketer"])}
    stage = await furnished(house)
    client, url = stage.app.client, "/v1/segment/segments"
    made = await client.post(url, json={"name": "Kim", "definition": EMAIL, "state": "live"}, **marketer)
    assert made.status_code == 201, "a marketer chooses an audience himself"
    live = made.json()["segment_id"]
    await stage.app.drain(WORKSPACE)
    assert await stage.members(live) == {"kim"}
    for path, body in (
        ("preview", {"definition": {"in_segment": live}}),
        ("questions/membership", {"segment_id": live, "person_nos": [stage.person("kim")]}),
        ("explain", {"segment_id": live, "person_no": stage.person("kim")}),
    ):
        answer = await client.post(f"/v1/segment/{path}", json=body, **viewer)
        assert answer.status_code == 200, (path, answer.text)
        assert "kim@" not in answer.text
    assert (await client.get(f"{url}/{live}", **viewer)).json()["size"] == 1


async def test_a_name_that_the_workspace_calls_plain_is_asked_for_by_everybody(house, monkeypatch):
    viewer = headers_of(house, ROLE_SCOPES["viewer"])
    stage = await a_stage(house)
    monkeypatch.setattr(stage.app.runtime, "personal_names", lambda _: {"birthday": False, "shoe": True})
    for trait, status in (("birthday", 200), ("shoe", 403), ("email", 403)):
        body = {"definition": {"trait": trait, "op": "starts_with", "value": "1"}}
        answer = await stage.app.client.post("/v1/segment/preview", json=body, headers=viewer)
        assert answer.status_code == status, (trait, answer.text)
