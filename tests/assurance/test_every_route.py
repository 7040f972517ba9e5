"""Enumerated from the apps: a new route is in every test here by itself."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.assurance.furnished import Furnished, a_furnished
from tests.assurance.routes import GUARDED, ROUTES, Route, filled, scopes_without
from tests.fixtures.system import BrandOf

OPEN_TO_ALL = {
    "GET /live", "GET /ready", "POST /v1/identity/sessions",
    # the signed token, or the write key, is in the path
    "GET /v1/messaging/u/{token}", "POST /v1/messaging/u/{token}", "GET /v1/messaging/o/{token}",
    "GET /v1/messaging/c/{token}", "HEAD /v1/messaging/c/{token}", "GET /v1/projects/{write_key}/settings",
    # the caller's signature, or WeChat's word for his code, is the key
    "GET /v1/webhooks/{source_id}", "POST /v1/webhooks/{source_id}", "POST /v1/webhooks/{source_id}/login",
}  # fmt: skip
WITH_A_WRITE_KEY = {"/v1/" + word for word in (
    "track", "t", "identify", "i", "page", "p", "screen", "s", "group", "g", "alias", "a", "batch", "b", "import",
)}  # fmt: skip
PIXELS = {"GET /v1/pixel", "GET /v1/pixel/{kind}"}
ADMINISTRATORS = "workspaces:write"

ANYBODY = {name: "00000000-0000-7000-8000-000000000000" for route in ROUTES for name in route.names} | {
    "source_id": "2000000000", "workspace_id": "2000000000", "version": "1", "trait": "city", "channel": "email",
    "tag": "nothing",
    "key": "nothing", "write_key_id": "00000000-0000-7000-8000-000000000000",
}  # fmt: skip

NAMES_OF_ONE_S_OWN = {
    "PUT /v1/profile/trait-rules/{trait}": {"kind": "most_frequent"},
    "PUT /v1/profile/tags/{tag}": {"kind": "manual"},
    "PUT /v1/messaging/templates/{key}": {"text": "of another brand"},
    "POST /v1/messaging/callbacks/{channel}": {},
}
"""Their path holds a name, not an id: everybody has the same name in a world of his own."""
BODIES: dict[str, Any] = {
    "POST /v1/imports/{import_id}/stop": None,
    "POST /v1/imports/{import_id}/resume": None,
    "POST /v1/identity/keys/{key_id}/rotate": {},
    "POST /v1/identity/persons/{person_id}/unmerge": {
        "leaving": [{"namespace": "user_id", "scope": "main", "value": "u-1"}]
    },
    "POST /v1/identity/policies/shadows/{shadow_id}/switch": None,
    "POST /v1/identity/wechat/migrations/{migration_id}/results": {
        "result_list": [{"ori_openid": "o" * 28, "new_openid": "n" * 28}]
    },
    "POST /v1/identity/persons/{person_id}/erase": {"reason": "taken over"},
    "POST /v1/identity/erasures/{erasure_id}/repeat": None,
    "PATCH /v1/identity/sources/{source_id}": {"name": "taken over"},
    "POST /v1/identity/at-risk-joins/{join_id}/fine": None,
    "POST /v1/identity/at-risk-joins/{join_id}/undo": {},
    "POST /v1/identity/suggestions/{suggestion_id}/accept": {},
    "POST /v1/identity/suggestions/{suggestion_id}/refuse": {"keep_apart": True},
    "POST /v1/identity/sources/{source_id}/keys": None,
    "PUT /v1/identity/sources/{source_id}/webhook": {"kind": "json", "secret": "taken over by another"},
    "PATCH /v1/identity/workspaces/{workspace_id}": {"name": "taken over"},
    "PATCH /v1/profile/persons/{person_id}/traits": {"traits": {"city": "Taken over"}},
    "POST /v1/profile/tags/{tag}/persons": {"assign": ["person_id"]},
    "PATCH /v1/segment/segments/{segment_id}": {"name": "taken over"},
    "PUT /v1/segment/segments/{segment_id}/lists": {"include": [1], "exclude": []},
    "PATCH /v1/segment/segments/{segment_id}/lists": {"include": [1]},
    "POST /v1/segment/segments/{segment_id}/snapshot": {"name": "taken over"},
    "PUT /v1/journey/journeys/{journey_id}/draft": {"name": "taken over", "definition": {}},
    "POST /v1/journey/journeys/{journey_id}/publish": {"policy": "pin"},
    "POST /v1/journey/journeys/{journey_id}/pause": None,
    "POST /v1/journey/journeys/{journey_id}/resume": None,
    "POST /v1/journey/journeys/{journey_id}/stop": None,
    "POST /v1/journey/journeys/{journey_id}/runs": {"person_id": "person_id"},
    "POST /v1/messaging/inbox/{person_id}/read": {"message_ids": ["message_id"]},
    "POST /v1/messaging/templates/{key}/preview": {},
}
"""Sound bodies, so that only the foreign id is left to refuse; a word that is the name of an id stands for it."""
QUESTIONS: dict[str, tuple[str, Any, set[int]]] = {
    "POST /v1/identity/persons/lookup": ("identity", {"person_ids": ["person_id"]}, {200}),
    "POST /v1/identity/persons/merge": ("identity", {"person_ids": ["person_id", "erasure_id"]}, {404}),
    "POST /v1/identity/quarantine/replay": ("identity", {"ids": ["quarantine_id"]}, {200, 404, 422}),
    "POST /v1/identity/quarantine/discard": ("identity", {"ids": ["quarantine_id"]}, {200, 404, 422}),
    "POST /v1/profile/persons/lookup": ("profile", {"person_ids": ["person_id"]}, {200}),
    "POST /v1/profile/consents": ("profile", {"person_id": "person_id", "channel": "email", "state": "denied"}, {404}),
    "POST /v1/segment/questions/membership": ("segment", {"segment_id": "segment_id", "person_nos": [1]}, {404, 422}),
    "POST /v1/segment/overlaps": ("segment", {"segment_ids": ["segment_id"]}, {404}),
    "POST /v1/segment/explain": ("segment", {"segment_id": "segment_id", "person_no": 1}, {404, 422}),
    "POST /v1/segment/preview": ("segment", {"definition": {"all": [{"in_segment": "segment_id"}]}}, {404, 422}),
    "POST /v1/messaging/gate": ("messaging", {"person_id": "person_id", "channels": ["email"]}, {404, 422}),
    "POST /v1/messaging/messages": (
        "messaging", {"person_id": "person_id", "channels": ["email"], "content": {"text": "hello"}}, {404, 422},
    ),
}  # fmt: skip
"""Ids of another's in a body: not found, or an answer that says nothing of what is behind them."""


def with_ids(value: Any, ids: dict[str, str]) -> Any:
    """Return a body with the names of ids replaced by the ids."""
    if isinstance(value, dict):
        return {name: with_ids(item, ids) for name, item in value.items()}
    if isinstance(value, list):
        return [with_ids(item, ids) for item in value]
    return ids.get(value, value) if isinstance(value, str) and value.endswith("_id") else value


def leaks(answer: httpx.Response, made: Furnished) -> list[str]:
    """Return what of another's world stands in an answer."""
    own = [*made.canaries.values(), *(value for name, value in made.ids.items() if len(value) == 36), "Suzhou"]
    return [value for value in own if value in answer.text]


async def ask(made: Furnished, route: Route, ids: dict[str, str], **options: Any) -> httpx.Response:
    answer: httpx.Response = await made.call(route.method, route.service, filled(route, ids), **options)
    return answer


def test_every_route_says_who_may_call_it() -> None:
    assert [str(route) for route in ROUTES if route.rule is None] == []
    assert len(ROUTES) > 150


def test_a_path_is_served_by_one_service_so_that_one_host_can_route_them() -> None:
    own = [route for route in ROUTES if route.path not in {"/live", "/ready"}]
    assert [route for route, count in Counter(str(route) for route in own).items() if count > 1] == []
    for route in own:
        parts = route.path.split("/")
        named = parts[2] if parts[2] in {"identity", "profile", "segment", "journey", "messaging"} else "identity"
        assert (parts[1], named) == ("v1", route.service), f"{route} is served by {route.service}"


def test_only_these_routes_are_open() -> None:
    collecting = {f"{verb} {path}" for path in WITH_A_WRITE_KEY for verb in ("POST", "OPTIONS")}
    assert {str(route) for route in ROUTES if route.is_open} == OPEN_TO_ALL | collecting | PIXELS


async def test_without_a_key_nobody_gets_in(a_brand: BrandOf) -> None:
    brand = await a_brand()
    async with httpx.AsyncClient(trust_env=False, timeout=30) as nobody:
        wrong = []
        for route in GUARDED:
            url = brand.stack.url(route.service) + filled(route, ANYBODY)
            tries = ({}, {"authorization": f"Bearer {brand.write_keys['server']}"}, {"authorization": "Basic Og=="})
            for headers in tries:
                answer = await nobody.request(route.method, url, headers=headers)
                problem = answer.headers.get("content-type") == "application/problem+json"
                if answer.status_code != 401 or not problem or "www-authenticate" not in answer.headers:
                    wrong.append((str(route), answer.status_code, answer.text))
        for path in sorted(WITH_A_WRITE_KEY):
            answer = await nobody.post(brand.stack.url("identity") + path, json={"userId": "u", "event": "Seen"})
            wrong += [(path, answer.status_code)] if answer.status_code != 401 else []
    assert wrong == []


async def test_a_key_does_what_its_scopes_say_and_nothing_else(a_brand: BrandOf) -> None:
    brand = await a_brand()

    async def a_key(*scopes: str) -> str:
        made = await brand.post("identity", "/v1/identity/keys", {"name": "test", "scopes": list(scopes)})
        return f"Bearer {made['key']}"

    rules = sorted({route.rule for route in GUARDED if route.rule not in {None, "internal"}} - {None})
    lacking = {rule: await a_key(*scopes_without(str(rule))) for rule in rules}
    having = {rule: await a_key(str(rule)) for rule in rules}
    lacking["internal"] = await a_key("*")
    wrong = []
    for route in GUARDED:
        url = brand.stack.url(route.service) + filled(route, ANYBODY)
        headers = {"authorization": lacking[str(route.rule)], "x-workspace": ""}
        refused = await brand.client.request(route.method, url, headers=headers)
        if refused.status_code != 403 or refused.json()["status"] != 403 or not refused.json()["detail"]:
            wrong.append((str(route), "lacking", refused.status_code, refused.text))
        if route.rule in {"internal", ADMINISTRATORS}:
            continue
        headers["authorization"] = having[str(route.rule)]
        taken = await brand.client.request(route.method, url, headers=headers)
        if taken.status_code in {401, 403} or taken.status_code >= 500:
            wrong.append((str(route), "having", taken.status_code, taken.text))
    assert wrong == []


async def test_the_installations_own_routes_refuse_every_workspaces_key(a_brand: BrandOf) -> None:
    made = await a_furnished(a_brand, "adminside")
    for route in GUARDED:
        if route.rule == ADMINISTRATORS:
            answer = await ask(made, route, made.ids, json={"key": "mine", "name": "mine"})
            assert answer.status_code == 403, (str(route), answer.text)


def test_every_route_with_an_id_is_tried_with_a_foreign_one() -> None:
    changing = {str(route) for route in GUARDED if route.names and route.method not in {"GET", "DELETE"}}
    assert changing == set(BODIES) | set(NAMES_OF_ONE_S_OWN), "say here how the new route is called soundly"


@pytest_asyncio.fixture
async def two(a_brand: BrandOf) -> tuple[Furnished, Furnished]:
    """Two brands with one of everything; the first has a source and a template that the other has not."""
    mine, other = await asyncio.gather(a_furnished(a_brand, "mineaaaaaa"), a_furnished(a_brand, "otherbbbbb"))
    third = {"key": "third", "name": "Third", "trusted": True}
    source = await mine.brand.post("identity", "/v1/identity/sources", third)
    hook = {"kind": "official_account", "app_id": "wx-mine", "token": "token"}
    await mine.brand.put("identity", f"/v1/identity/sources/{source['source_id']}/webhook", hook)
    await mine.brand.put("messaging", "/v1/messaging/templates/mine", {"text": "Suzhou"})
    await mine.brand.put("profile", "/v1/profile/tags/mine", {"kind": "manual", "group": "mood"})
    held = (await mine.call("GET", "identity", "/v1/identity/quarantine")).json()
    keys = (await mine.call("GET", "identity", "/v1/identity/keys")).json()
    mine.ids |= {
        "source_id": str(source["source_id"]), "key": "mine", "tag": "mine",
        "quarantine_id": held["items"][0]["quarantine_id"],
        "write_key_id": next(k["key_id"] for k in keys["items"] if k["source_id"] == source["source_id"]),
    }  # fmt: skip
    return mine, other


async def seen_by(made: Furnished) -> dict[str, tuple[int, str]]:
    """Return what a brand reads at every route with an id of its own."""
    reading = [route for route in GUARDED if route.names and route.method == "GET"]
    answers = [(str(route), await ask(made, route, made.ids)) for route in reading]
    return {name: (answer.status_code, answer.text) for name, answer in answers}


@pytest.mark.timeout(900)
async def test_with_another_brands_key_nothing_is_found_changed_or_said(two: tuple[Furnished, Furnished]) -> None:
    mine, other = two
    before = await seen_by(mine)
    assert {name for name, (status, _) in before.items() if status != 200} == {
        "GET /v1/profile/erasures/{erasure_id}", "GET /v1/identity/erasures/{erasure_id}",
    }  # fmt: skip
    wrong = []
    for route in GUARDED:
        if not route.names or str(route) in NAMES_OF_ONE_S_OWN:
            continue
        body = with_ids(BODIES.get(str(route)), mine.ids)
        answer = await ask(other, route, mine.ids, json=body)
        allowed = {403} if route.rule == ADMINISTRATORS else {404}
        allowed |= {422} if "person_id" in str(body) or "/inbox/" in route.path else set()
        if answer.status_code not in allowed or not answer.json()["detail"] or leaks(answer, mine):
            wrong.append(f"{route}: {answer.status_code} {answer.text[:300]} {leaks(answer, mine)}")
    for name, body in NAMES_OF_ONE_S_OWN.items():
        route = next(route for route in ROUTES if str(route) == name)
        answer = await ask(other, route, mine.ids, json=body)
        if answer.status_code not in {200, 201} or leaks(answer, mine):
            wrong.append(f"{name}: {answer.status_code} {answer.text[:300]} {leaks(answer, mine)}")
    assert wrong == []
    assert await seen_by(mine) == before


@pytest.mark.timeout(900)
async def test_another_brands_id_in_a_body_stands_for_nothing(two: tuple[Furnished, Furnished]) -> None:
    mine, other = two
    before = await seen_by(mine)
    wrong = []
    for name, (service, body, expected) in QUESTIONS.items():
        method, path = name.split(" ")
        answer = await other.call(method, service, path, json=with_ids(body, mine.ids))
        said = [value for value in leaks(answer, mine) if value not in str(with_ids(body, mine.ids))]
        if answer.status_code not in expected or said:
            wrong.append(f"{name}: {answer.status_code} {answer.text[:300]} {said}")
    assert wrong == []
    assert await seen_by(mine) == before


async def test_no_list_shows_another_brands_things(a_brand: BrandOf) -> None:
    mine = await a_furnished(a_brand, "listedaaaa")
    other = await a_brand()
    key = (await other.post("identity", "/v1/identity/keys", {"name": "k", "scopes": ["*"]}))["key"]
    lists = [
        route
        for route in GUARDED
        if route.method == "GET" and not route.names and route.rule not in {ADMINISTRATORS, "internal"}
    ]
    assert len(lists) > 20
    wrong = []
    asked = {"namespace": "user_id", "scope": "main", "value": "u-1", "person_id": mine.ids["person_id"]}
    for route in lists:
        for query in ({}, asked):
            answer = await mine.call(route.method, route.service, route.path, key=key, params=query)
            found = [] if answer.status_code >= 400 and query else leaks(answer, mine)
            if answer.status_code not in {200, 404, 422} or found:
                wrong.append((str(route), answer.status_code, answer.text[:300], found))
    assert wrong == []


async def test_a_key_of_one_workspace_cannot_name_another(a_brand: BrandOf) -> None:
    mine, other = await a_brand(), await a_brand()
    key = (await other.post("identity", "/v1/identity/keys", {"name": "k", "scopes": ["*"]}))["key"]
    name = str(mine.client.headers["x-workspace"])
    for route in GUARDED:
        url = mine.stack.url(route.service) + filled(route, ANYBODY)
        headers = {"authorization": f"Bearer {key}", "x-workspace": name}
        answer = await mine.client.request(route.method, url, headers=headers)
        assert answer.status_code == 404, (str(route), answer.text)
        assert answer.json()["detail"] == "there is no such workspace"
