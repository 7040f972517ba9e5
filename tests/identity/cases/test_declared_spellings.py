"""What is declared of spellings counts for those who are known too, is tried in the shadow, and can be taken back."""

from typing import Any

EMAIL = {"priority": 4, "max_per_person": 5, "window_days": 365, "hub_threshold": 3}
USER = {"priority": 1, "max_per_person": 1, "cap_per": "scope", "singleton": True}
FOLDING = {"email": {**EMAIL, "folding": {"mail.example": {"dots": True, "plus_tags": True}}}}
IGNORING = {"user_id": {**USER, "case_rules": {"shop": "insensitive"}}}


def named(namespace: str, value: str, scope: str = "") -> dict[str, str]:
    return {"namespace": namespace, "value": value, "scope": scope}


async def say(client: Any, *groups: list[dict[str, str]]) -> None:
    items = [{"kind": "login", "tier": 1, "identifiers": group} for group in groups]
    assert (await client.post("/v1/identity/evidence", json={"items": items})).status_code == 200


async def people(client: Any, *names: dict[str, str], **query: Any) -> list[str | None]:
    found = []
    for one in names:
        answer = await client.get("/v1/identity/persons/by-identifier", params={**one, **query})
        found.append(answer.json()["person_id"] if answer.status_code == 200 else None)
    return found


async def declare(identity: Any, namespaces: dict[str, Any]) -> None:
    answer = await identity.client.put("/v1/identity/policies", json={"namespaces": namespaces})
    assert answer.status_code == 200, answer.text
    await identity.drain()


async def tried(identity: Any, namespaces: dict[str, Any]) -> dict[str, Any]:
    answer = await identity.client.post("/v1/identity/policies/shadows", json={"namespaces": namespaces})
    assert answer.status_code == 202, answer.text
    await identity.drain()
    path = f"/v1/identity/policies/shadows/{answer.json()['shadow_id']}"
    report: dict[str, Any] = (await identity.client.get(path)).json()["report"]
    return report


async def test_addresses_of_a_folded_domain_share_an_alias_and_keep_their_spelling(house: Any) -> None:
    identity = await house.start("identity")
    client = identity.client
    one, other, elsewhere = (
        named("email", value) for value in ("An.Na+news@mail.example", "anna@mail.example", "an.na@else.example")
    )
    user, fan = named("user_id", "u-1", "shop"), named("wx_openid", "f".ljust(28, "x"), "app")
    await say(client, [user, one], [fan, other], [named("user_id", "u-2", "shop"), elsewhere])
    before = await people(client, user, fan)
    assert len(set(before)) == 2
    report = await tried(identity, FOLDING)
    assert (report["persons_merged"], report["persons_split"]) == (1, 0)
    assert [set(group) for group in report["merged"]] == [set(before)]
    assert report["persons_after"] == report["persons_before"] - 1
    await declare(identity, FOLDING)
    after = await people(client, user, fan, one, other)
    assert len(set(after)) == 1
    assert after[0] in before
    person = (await client.get(f"/v1/identity/persons/{after[0]}")).json()
    held = person["identifiers"]
    assert {each["value"] for each in held if each["namespace"] == "email"} == {one["value"].lower(), other["value"]}
    third = named("email", "a.n.n.a@mail.example")
    await say(client, [third])
    apart = await people(client, named("user_id", "u-2", "shop"))
    assert await people(client, third, elsewhere) == [after[0], *apart]
    explained = (await client.post("/v1/identity/explain", json={"a": one, "b": third})).json()
    assert explained["one_person"]
    assert (await people(client, one, as_of="2100-01-01T00:00:00Z"))[0] == after[0]
    report = await tried(identity, {})
    assert (report["persons_merged"], report["persons_split"]) == (0, 1)
    await declare(identity, {})
    assert await people(client, user, fan) == before
    alias = named("email_alias", "anna@mail.example")
    assert await people(client, alias) == [None], "nobody is an alias"
    counted = len({*await people(client, user, fan, one, other, third, elsewhere)})
    report = await tried(identity, {})
    assert (report["persons_before"], report["persons_after"], report["persons_split"]) == (counted, counted, 0)
    report = await tried(identity, FOLDING)
    assert (report["persons_before"], report["persons_merged"]) == (counted, 2)
    await declare(identity, FOLDING)
    assert len(set(await people(client, user, fan, one, other, third, alias))) == 1


async def test_ids_of_an_issuer_that_ignores_case_are_one_account_and_others_stay_two(house: Any) -> None:
    identity = await house.start("identity")
    client = identity.client
    capital, small = named("user_id", "AB-1", "shop"), named("user_id", "ab-1", "shop")
    elsewhere = named("user_id", "AB-1", "club")
    phone, fan = named("phone", "+8613912340001"), named("wx_openid", "f".ljust(28, "x"), "app")
    await say(client, [capital, phone], [small, fan], [elsewhere])
    before = await people(client, phone, fan)
    assert len(set(before)) == 2
    assert (await tried(identity, IGNORING))["persons_merged"] == 1
    await declare(identity, IGNORING)
    after = await people(client, phone, fan, capital, small)
    assert len(set(after)) == 1
    assert after[0] in before
    assert (await people(client, elsewhere))[0] not in after
    await say(client, [named("user_id", "aB-2", "shop")], [named("user_id", "AB-2", "shop")])
    assert len(set(await people(client, *(named("user_id", value, "shop") for value in ("ab-2", "AB-2"))))) == 1
    await declare(identity, {})
    assert await people(client, phone, fan) == before
    assert await people(client, capital, small) == before


async def test_the_case_rule_of_all_issuers_yields_to_an_issuers_own(house: Any) -> None:
    identity = await house.start("identity")
    rules = {"*": "insensitive", "club": "sensitive"}
    await declare(identity, {"user_id": {**USER, "case_rules": rules, "blocked": ["Demo"]}})
    client = identity.client
    body = {"items": [{"identifiers": [named("user_id", value, scope)]} for value, scope in (
        ("AB", "shop"), ("ab", "shop"), ("AB", "club"), ("ab", "club"), ("dEMO", "shop"), ("demo", "club"),
    )], "create": True}  # fmt: skip
    items = (await client.post("/v1/identity/resolve", json=body)).json()["items"]
    found = [item["person_id"] for item in items]
    assert found[0] == found[1]
    assert len({*found[1:4]}) == 3
    assert [item["identifiers"][0]["reason"] for item in items[4:]] == ["blocked", None]


async def test_who_is_erased_takes_his_alias_along_and_is_not_made_again(house: Any) -> None:
    identity = await house.start("identity")
    client = identity.client
    await declare(identity, FOLDING)
    one, user = named("email", "an.na@mail.example"), named("user_id", "u-1", "shop")
    await say(client, [user, one])
    [person] = await people(client, user)
    answer = await client.post(f"/v1/identity/persons/{person}/erase", json={})
    assert answer.status_code in {200, 202}, answer.text
    await say(client, [one])
    assert await people(client, one, named("email_alias", "anna@mail.example")) == [None, None]


async def test_a_declaration_that_cannot_be_is_refused_where_it_stands(house: Any) -> None:
    identity = await house.start("identity")
    for namespace, fields, pointer in (
        ("wx_openid", {"case_rules": {"app": "insensitive"}}, "/namespaces/wx_openid/case_rules"),
        ("phone", {"folding": {"a.b": {"dots": True}}}, "/namespaces/phone/folding"),
        ("email", {"folding": {"Mail.example": {"dots": True}}}, "/namespaces/email/folding/Mail.example/[key]"),
        ("email", {"folding": {"mail.example": {"case": True}}}, "/namespaces/email/folding/mail.example/case"),
        ("user_id", {"case_rules": {"shop": "upper"}}, "/namespaces/user_id/case_rules/shop"),
    ):
        answer = await identity.client.put(
            "/v1/identity/policies", json={"namespaces": {namespace: {"priority": 3, **fields}}}
        )
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text
