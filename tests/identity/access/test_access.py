"""Workspaces, sources, keys, members: over HTTP, on the app."""

import asyncio
import hashlib
from typing import Any

import asyncpg
import msgspec
import pytest_asyncio

from libs.common.access.keys import kind_of, new_key
from services.identity.jobs import refill_access
from tests.fixtures.apps import House, ServiceApp


@pytest_asyncio.fixture
async def identity(house: House) -> ServiceApp:
    return await house.start("identity")


async def test_a_secret_key_gives_only_the_rights_named(identity: ServiceApp) -> None:
    made = await identity.client.post("/v1/identity/keys", json={"name": "reader", "scopes": ["sources:read"]})
    assert made.status_code == 201, made.text
    reader = {"authorization": f"Bearer {made.json()['key']}"}
    assert (await identity.client.get("/v1/identity/sources", headers=reader)).status_code == 200
    refused = await identity.client.post("/v1/identity/sources", headers=reader, json={"key": "x", "name": "x"})
    assert refused.status_code == 403
    assert refused.headers["content-type"] == "application/problem+json"
    assert "sources:write" in refused.json()["detail"]


async def test_a_key_cannot_give_more_than_it_has(identity: ServiceApp) -> None:
    made = await identity.client.post("/v1/identity/keys", json={"name": "keys", "scopes": ["keys:write"]})
    keeper = {"authorization": f"Bearer {made.json()['key']}"}
    body = {"name": "more", "scopes": ["persons:erase"]}
    assert (await identity.client.post("/v1/identity/keys", headers=keeper, json=body)).status_code == 403


async def test_a_revoked_key_stops_working_at_once(identity: ServiceApp) -> None:
    made = (await identity.client.post("/v1/identity/keys", json={"name": "r", "scopes": ["sources:read"]})).json()
    headers = {"authorization": f"Bearer {made['key']}"}
    assert (await identity.client.get("/v1/identity/sources", headers=headers)).status_code == 200
    assert (await identity.client.delete(f"/v1/identity/keys/{made['key_id']}")).status_code == 204
    assert (await identity.client.get("/v1/identity/sources", headers=headers)).status_code == 401


async def pages(identity: ServiceApp, path: str, name: str, **options: Any) -> list[Any]:
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await identity.client.get(path, params={"limit": "2", **cursor}, **options)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= 2
        found += [item[name] for item in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_keys_come_in_pages_newest_first(identity: ServiceApp) -> None:
    for number in range(5):
        await identity.client.post("/v1/identity/keys", json={"name": f"k{number}", "scopes": ["sources:read"]})
    names = await pages(identity, "/v1/identity/keys", "name")
    assert [name for name in names if name] == ["k4", "k3", "k2", "k1", "k0"]
    assert len(names) == 7
    for cursor in ("nonsense", "WzFd"):
        assert (await identity.client.get("/v1/identity/keys", params={"cursor": cursor})).status_code == 422


async def test_workspaces_come_in_pages_by_number(identity: ServiceApp) -> None:
    headers = identity.as_service("journey")
    for key in ("north", "south", "west"):
        made = await identity.client.post(
            "/v1/identity/workspaces", headers=headers, json={"key": key, "name": key.title()}
        )
        assert made.status_code == 201, made.text
    names = await pages(identity, "/v1/identity/workspaces", "key", headers=headers)
    assert names == ["acme", "other", "north", "south", "west"]


async def test_a_rotated_key_has_a_successor_with_the_same_rights(identity: ServiceApp) -> None:
    made = (await identity.client.post("/v1/identity/keys", json={"name": "r", "scopes": ["sources:read"]})).json()
    rotated = await identity.client.post(f"/v1/identity/keys/{made['key_id']}/rotate", json={"overlap_seconds": 0})
    assert rotated.status_code == 201
    assert rotated.json()["scopes"] == ["sources:read"]
    old, new = ({"authorization": f"Bearer {key}"} for key in (made["key"], rotated.json()["key"]))
    assert (await identity.client.get("/v1/identity/sources", headers=old)).status_code == 401
    assert (await identity.client.get("/v1/identity/sources", headers=new)).status_code == 200


async def test_unknown_malformed_and_write_keys_are_refused(identity: ServiceApp, house: House) -> None:
    for key in ("", "nonsense", new_key("secret"), new_key("secret")[:-1] + "x", house.write_key):
        answer = await identity.client.get("/v1/identity/sources", headers={"authorization": f"Bearer {key}"})
        assert answer.status_code == 401, key
        assert answer.json()["title"]


async def test_a_source_comes_with_a_write_key_that_no_dump_holds(identity: ServiceApp) -> None:
    made = await identity.client.post("/v1/identity/sources", json={"key": "web", "name": "Web", "kind": "web"})
    assert made.status_code == 201
    key = made.json()["write_key"]
    assert kind_of(key) == "write"
    connection = await asyncpg.connect(identity.database.admin_url)
    tables = await connection.fetch("select tablename from pg_tables where schemaname = 'identity'")
    lines = 0
    for table in tables:
        rows = await connection.fetch(f'select t::text as line from identity."{table["tablename"]}" t')
        lines += len(rows)
        assert not any(key in row["line"] for row in rows), table["tablename"]
    await connection.close()
    assert lines > 3


async def test_an_untrusted_source_gives_no_first_tier_evidence(identity: ServiceApp) -> None:
    body = {"key": "app", "name": "App", "kind": "app", "best_tier": 1}
    made = await identity.client.post("/v1/identity/sources", json=body)
    assert made.json()["best_tier"] == 2


async def test_another_workspaces_source_is_not_there(identity: ServiceApp, house: House) -> None:
    answer = await identity.client.get("/v1/identity/sources/1", headers=identity.as_service("profile", 2))
    assert answer.status_code == 404
    named = {"authorization": f"Bearer {house.secret_key}", "x-workspace": "other"}
    assert (await identity.client.get("/v1/identity/sources", headers=named)).status_code == 404


async def test_bad_input_is_a_problem_with_a_pointer(identity: ServiceApp) -> None:
    answer = await identity.client.post("/v1/identity/sources", json={"key": "Not Good", "name": ""})
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/key", "/name"}
    broken = await identity.client.post(
        "/v1/identity/sources", content=b"{", headers={"content-type": "application/json"}
    )
    assert broken.status_code == 400
    assert broken.headers["content-type"] == "application/problem+json"


async def test_a_console_user_logs_in_with_the_rights_of_his_role(identity: ServiceApp) -> None:
    member = {"email": "Mei@Example.com", "role": "viewer", "password": "a long pass phrase"}
    assert (await identity.client.post("/v1/identity/members", json=member)).status_code == 201
    login = {"workspace": "acme", "email": "mei@example.com", "password": "a long pass phrase"}
    session = await identity.client.post("/v1/identity/sessions", json=login)
    assert session.status_code == 201, session.text
    headers = {"authorization": f"Bearer {session.json()['token']}"}
    assert (await identity.client.get("/v1/identity/sources", headers=headers)).status_code == 200
    body = {"key": "web", "name": "Web"}
    assert (await identity.client.post("/v1/identity/sources", headers=headers, json=body)).status_code == 403
    assert (await identity.client.delete("/v1/identity/sessions/current", headers=headers)).status_code == 204
    assert (await identity.client.get("/v1/identity/sources", headers=headers)).status_code == 401


async def test_five_wrong_passwords_lock_the_account(identity: ServiceApp) -> None:
    member = {"email": "li@example.com", "role": "viewer", "password": "a long pass phrase"}
    await identity.client.post("/v1/identity/members", json=member)
    login = {"workspace": "acme", "email": "li@example.com", "password": "wrong"}
    answers = [(await identity.client.post("/v1/identity/sessions", json=login)).status_code for _ in range(6)]
    assert answers[:4] == [401] * 4
    assert answers[5] == 429


async def test_changes_reach_the_bucket(identity: ServiceApp) -> None:
    made = (await identity.client.post("/v1/identity/keys", json={"name": "r", "scopes": ["sources:read"]})).json()
    await identity.drain()
    bucket = await identity.runtime.bus.key_value("access")
    name = f"key.{hashlib.sha256(made['key'].encode()).hexdigest()}"
    async with asyncio.timeout(60):
        while await bucket.get(name) is None:
            await asyncio.sleep(0.02)


async def test_a_bucket_that_was_lost_is_filled_again(identity: ServiceApp, house: House) -> None:
    made = (await identity.client.post("/v1/identity/keys", json={"name": "r", "scopes": ["sources:read"]})).json()
    assert (await identity.client.delete(f"/v1/identity/keys/{made['key_id']}")).status_code == 204
    await identity.drain()
    house.bus._buckets.clear()
    await refill_access.run(identity.runtime)
    bucket = await house.bus.key_value("access")
    name = f"key.{hashlib.sha256(made['key'].encode()).hexdigest()}"
    async with asyncio.timeout(60):
        while (found := await bucket.get(name)) is None:
            await asyncio.sleep(0.02)
    assert msgspec.json.decode(found)["revoked_at"] is not None
    assert await bucket.get("workspace.1") is not None
