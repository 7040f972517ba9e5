"""Case 13: whoever comes over a new touchpoint after a long silence is joined, and listed until somebody has looked."""

from itertools import permutations
from typing import Any

import pytest

MEMBER = {"namespace": "crm_id", "value": "member-1", "scope": "crm"}
PHONE = {"namespace": "phone", "value": "+8613912345678", "scope": ""}
FAN = {"namespace": "wx_unionid", "value": "oU".ljust(28, "x"), "scope": "open"}
EMAIL = {"namespace": "email", "value": "member@example.cn", "scope": ""}
LIST = "/v1/identity/at-risk-joins"


def said(name: str, time: str, *identifiers: dict[str, str]) -> dict[str, Any]:
    return {"id": name, "kind": "login", "tier": 1, "time": f"{time}T08:00:00Z", "identifiers": list(identifiers)}


LONG_AGO = said("bought", "2024-01-10", MEMBER, PHONE)
LAST_SEEN = said("wrote", "2024-03-01", MEMBER, EMAIL)
COMES_BACK = said("logged-in", "2025-12-01", FAN, PHONE)


async def take(client, *facts: dict[str, Any]) -> None:
    for fact in facts:
        answer = await client.post("/v1/identity/evidence", json={"items": [fact]})
        assert answer.status_code == 200, answer.text


async def listed(client, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(LIST + query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def person_of(client, one: dict[str, str]) -> str:
    answer = await client.post("/v1/identity/resolve", json={"items": [{"identifiers": [one]}]})
    person: str = answer.json()["items"][0]["person_id"]
    return person


@pytest.mark.parametrize(
    "order", list(permutations((LONG_AGO, LAST_SEEN, COMES_BACK)))[::2], ids=["in", "mixed", "late"]
)
async def test_case_13_a_dormant_member_who_comes_back_is_joined_and_listed_in_any_order(house, order):
    client = (await house.start("identity")).client
    await take(client, *order)
    assert await person_of(client, MEMBER) == await person_of(client, FAN)
    [join] = await listed(client)
    assert (join["reason"], join["state"], join["at_risk"]) == ("dormant", "open", True)
    assert (join["identifier"]["namespace"], join["newcomer"]["namespace"]) == ("phone", "wx_unionid")
    assert [one["namespace"] for one in join["before"]] == ["crm_id"]
    assert (join["silent_since"][:10], join["joined_at"][:10], join["silent_days"]) == ("2024-03-01", "2025-12-01", 640)
    assert join["person_id"] == await person_of(client, FAN)


async def test_case_13_an_undone_join_parts_the_two_for_good(house):
    client = (await house.start("identity")).client
    await take(client, LONG_AGO, LAST_SEEN)
    old = await person_of(client, MEMBER)
    await take(client, COMES_BACK)
    [join] = await listed(client)
    undo = f"{LIST}/{join['join_id']}/undo"
    dry = (await client.post(undo, json={"dry_run": True})).json()
    assert dry["dry_run"] and {move["identifier"]["namespace"] for move in dry["moved"]} == {"phone", "wx_unionid"}
    assert await person_of(client, FAN) == old
    assert (await client.post(undo, json={})).status_code == 200
    new = await person_of(client, FAN)
    assert (await person_of(client, MEMBER), await person_of(client, EMAIL)) == (old, old)
    assert await person_of(client, PHONE) == new != old
    await take(client, said("again", "2025-12-05", FAN, PHONE), said("bought-again", "2024-01-11", MEMBER, PHONE))
    assert await person_of(client, MEMBER) == old != await person_of(client, PHONE)
    assert await listed(client) == []
    [kept] = await listed(client, "?state=undone")
    assert (kept["state"], kept["at_risk"], kept["author"][:4]) == ("undone", False, "key:")
    again = await client.post(undo, json={})
    assert (again.status_code, again.json()["type"].split(":")[-1]) == (409, "undone")


async def test_case_13_what_looks_fine_is_remembered_and_who_is_seen_again_is_no_risk(house):
    client = (await house.start("identity")).client
    await take(client, LONG_AGO, COMES_BACK)
    [join] = await listed(client)
    assert (await client.post(f"{LIST}/{join['join_id']}/fine")).status_code == 204
    await take(client, said("more", "2025-12-24", FAN, PHONE))
    assert await listed(client) == []
    assert [one["state"] for one in await listed(client, "?state=fine")] == ["fine"]

    other = {**MEMBER, "value": "member-2"}, {**PHONE, "value": "+8613912345679"}, {**FAN, "value": "oV".ljust(28, "x")}
    await take(client, said("a", "2024-01-10", other[0], other[1]), said("b", "2025-12-01", other[2], other[1]))
    assert len(await listed(client)) == 1
    await take(client, said("c", "2025-12-20", other[0], EMAIL))
    assert await listed(client) == [], "the member himself came"
    nobody = await client.post(f"{LIST}/{join['person_id']}/undo", json={})
    assert nobody.status_code == 404


async def test_case_13_what_is_long_is_a_setting_and_a_phone_in_use_is_not_dormant(house):
    identity = await house.start("identity")
    client = identity.client
    shop = {"namespace": "crm_id", "value": "c-9", "scope": "shop"}
    await take(
        client, LONG_AGO, said("used", "2025-10-01", shop, PHONE), said("used-before", "2024-02-01", shop, PHONE)
    )
    await take(client, COMES_BACK)
    assert await listed(client) == [], "somebody had it and was not silent"
    for days, found in ((60, 1), (62, 0), (None, 0)):
        policies = {"namespaces": {}, "safeguards": {"dormant_days": days}}
        assert (await client.put("/v1/identity/policies", json=policies)).status_code == 200
        await identity.drain()
        assert len(await listed(client)) == found, days
