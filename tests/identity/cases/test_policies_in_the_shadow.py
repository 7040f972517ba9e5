"""Case 31: a rule is changed in the shadow first, then switched at once; ids stay."""

CAUTIOUS = {
    "user_id": {"priority": 1, "max_per_person": 1, "cap_per": "scope", "singleton": True},
    "phone": {"priority": 3, "max_per_person": 5, "hub_threshold": 3},
    "wx_openid": {"priority": 4, "max_per_person": 1, "cap_per": "scope"},
}


def named(namespace: str, value: str, scope: str = "") -> dict[str, str]:
    return {"namespace": namespace, "value": value, "scope": scope}


FAN, OTHER = (named("wx_openid", name.ljust(28, "x"), "app1") for name in ("fan", "other"))
ANNA, PHONE = named("user_id", "anna", "shop"), named("phone", "+8613912340001")


async def persons(client) -> list[str]:
    answer = await client.post(
        "/v1/identity/resolve", json={"items": [{"identifiers": [one]} for one in (ANNA, PHONE, FAN, OTHER)]}
    )
    return [item["person_id"] for item in answer.json()["items"]]


async def tried(identity, namespaces) -> dict:
    answer = await identity.client.post("/v1/identity/policies/shadows", json={"namespaces": namespaces})
    assert answer.status_code == 202, answer.text
    await identity.drain()
    return (await identity.client.get(f"/v1/identity/policies/shadows/{answer.json()['shadow_id']}")).json()


async def test_case_31_a_changed_rule_is_reported_before_it_is_switched_to_and_ids_stay(house):
    identity = await house.start("identity")
    client = identity.client
    facts = [
        {"id": "a", "kind": "login", "tier": 1, "time": "2026-02-01T08:00:00Z", "identifiers": [ANNA, PHONE]},
        {"id": "b", "kind": "login", "tier": 1, "time": "2026-02-02T08:00:00Z", "identifiers": [FAN, PHONE]},
        {"id": "c", "kind": "login", "tier": 1, "time": "2026-02-03T08:00:00Z", "identifiers": [OTHER, PHONE]},
    ]
    assert (await client.post("/v1/identity/evidence", json={"items": facts})).status_code == 200
    before = await persons(client)
    assert len(set(before)) == 1

    shadow = await tried(identity, CAUTIOUS)
    assert shadow["state"] == "done"
    report = shadow["report"]
    assert (report["persons_before"], report["persons_after"]) == (1, 2)
    assert (report["persons_split"], report["persons_merged"], report["anchors_lost"]) == (1, 0, 0)
    assert (report["largest_before"], report["largest_after"]) == (4, 3)
    assert report["links"] == [{"was": "active", "becomes": "suppressed(limit:wx_openid)", "count": 1}]
    assert report["split"] == [before[0]]
    assert await persons(client) == before, "a shadow moves nobody"

    switch = f"/v1/identity/policies/shadows/{shadow['shadow_id']}/switch"
    answer = await client.post(switch)
    assert (answer.status_code, answer.json()["version"]) == (200, shadow["base_version"] + 1)
    await identity.drain()
    after = await persons(client)
    assert after[0] == after[1] == after[3] == before[0] != after[2], "the younger fan stays, the elder one is parted"
    assert (await client.post(switch)).json()["type"].endswith(":switched_before")

    back = await tried(identity, {})
    assert (back["report"]["persons_merged"], back["report"]["merged"]) == (1, [sorted({before[0], after[2]})])
    await client.put("/v1/identity/policies", json={"namespaces": CAUTIOUS})
    answer = await client.post(f"/v1/identity/policies/shadows/{back['shadow_id']}/switch")
    assert (answer.status_code, answer.json()["type"].split(":")[-1]) == (409, "policies_changed")
    assert (await client.get("/v1/identity/policies/shadows?limit=1")).json()["next_cursor"]
