"""Case 11: a WeChat account moves, its openids change, and WeChat says for 15 days which became which."""

from datetime import UTC, datetime, timedelta

MOVED = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def named(namespace: str, value: str, scope: str) -> dict[str, str]:
    return {"namespace": namespace, "value": value, "scope": scope}


def openid(name: str) -> str:
    return name.ljust(28, "x")


async def owner(client, identifier) -> str:
    answer = await client.post("/v1/identity/resolve", json={"items": [{"identifiers": [identifier]}]})
    return answer.json()["items"][0]["person_id"]


async def test_case_11_translated_openids_supersede_the_old_ones_and_the_window_raises_an_alarm(house):
    identity = await house.start("identity")
    client = identity.client
    fans = [named("wx_openid", openid(f"old-{name}"), "app-old") for name in ("ann", "ben", "cai")]
    union = named("wx_unionid", openid("old-union-ann"), "platform-old")
    facts = [{"kind": "login", "tier": 1, "identifiers": [fan]} for fan in fans]
    facts.append({"kind": "bind", "tier": 1, "identifiers": [fans[0], union]})
    assert (await client.post("/v1/identity/evidence", json={"items": facts})).status_code == 200
    before = [await owner(client, fan) for fan in fans]

    body = {
        "from_appid": "app-old", "to_appid": "app-new", "from_platform": "platform-old", "to_platform": "platform-new",
        "migrated_at": MOVED.isoformat(),
    }  # fmt: skip
    made = (await client.post("/v1/identity/wechat/migrations", json=body)).json()
    assert (made["known"], made["outstanding"], made["alarm"]) == (3, 3, "open")
    asked = await client.get(f"/v1/identity/wechat/migrations/{made['migration_id']}/outstanding")
    assert sorted(one["openid"] for one in asked.json()["items"]) == sorted(fan["value"] for fan in fans)

    answer = {
        "errcode": 0, "errmsg": "ok",
        "result_list": [
            {"ori_openid": openid("old-ann"), "new_openid": openid("new-ann"), "err_msg": "ok",
             "ori_unionid": openid("old-union-ann"), "new_unionid": openid("new-union-ann")},
            {"ori_openid": openid("old-ben"), "new_openid": openid("new-ben"), "err_msg": "ok"},
            {"ori_openid": openid("old-cai"), "err_msg": "ori_openid error"},
        ],
    }  # fmt: skip
    results = f"/v1/identity/wechat/migrations/{made['migration_id']}/results"
    taken = (await client.post(results, json=answer)).json()
    assert taken["translated"] == 2
    assert taken["failed"] == [{"pointer": "/result_list/2", "reason": "ori_openid error"}]
    assert (taken["migration"]["translated"], taken["migration"]["outstanding"]) == (2, 1)
    for name, person in (("ann", before[0]), ("ben", before[1])):
        assert await owner(client, named("wx_openid", openid(f"new-{name}"), "app-new")) == person
        assert await owner(client, named("wx_openid", openid(f"old-{name}"), "app-old")) == person
    assert await owner(client, named("wx_unionid", openid("new-union-ann"), "platform-new")) == before[0]
    assert (await client.post(results, json=answer)).json()["translated"] == 0, "again changes nothing"

    for days, expected in ((13, "closing"), (15, "missed")):
        await identity.put_clock(MOVED + timedelta(days=days), held=False)
        listed = (await client.get("/v1/identity/wechat/migrations")).json()["items"]
        assert [one["alarm"] for one in listed] == [expected]
    refused = await client.post(results, json=answer | {"errcode": 40013, "errmsg": "invalid appid"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/errcode")
