"""The graph's routes: reading, deciding, rehearsing, and every refusal with its reason."""

from uuid import uuid4

import pytest

from libs.common.db import statement

ANNA = {"namespace": "user_id", "scope": "shop", "value": "anna-1001"}
BEN = {"namespace": "user_id", "scope": "shop", "value": "ben-1002"}
CRM = {"namespace": "crm_id", "scope": "crm", "value": "c-77"}
PHONE = {"namespace": "phone", "scope": "", "value": "+8613912340001"}
EMAIL = {"namespace": "email", "scope": "", "value": "anna@shop.cn"}


async def say(client, *identifiers, kind="login", tier=1, **more) -> dict:
    item = {"kind": kind, "tier": tier, "identifiers": list(identifiers), **more}
    answer = await client.post("/v1/identity/evidence", json={"items": [item]})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"][0]


async def person_of(client, identifier) -> dict:
    answer = await client.get("/v1/identity/persons/by-identifier", params=identifier)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ids_of(client, *identifiers) -> list[str | None]:
    answer = await client.post("/v1/identity/resolve", json={"items": [{"identifiers": [one]} for one in identifiers]})
    assert answer.status_code == 200, answer.text
    return [item["person_id"] for item in answer.json()["items"]]


async def test_asking_changes_nothing_and_creating_makes_a_person(house):
    client = (await house.start("identity")).client
    assert await ids_of(client, ANNA) == [None]
    made = await client.post("/v1/identity/resolve", json={"items": [{"identifiers": [ANNA, EMAIL]}], "create": True})
    [item] = made.json()["items"]
    assert item["person_id"] is not None
    assert await ids_of(client, EMAIL, ANNA) == [item["person_id"]] * 2


async def test_one_spelling_of_an_identifier_is_one_node(house):
    client = (await house.start("identity")).client
    await say(client, ANNA, {"namespace": "phone", "value": "139 1234 0001"})
    assert len(set(await ids_of(client, ANNA, PHONE))) == 1


async def test_case_15_the_same_evidence_again_is_a_duplicate(house):
    client = (await house.start("identity")).client
    first = await say(client, ANNA, PHONE, id="order-1")
    again = await say(client, ANNA, PHONE, id="order-1")
    assert (first["outcome"], again["outcome"]) == ("accepted", "duplicate")
    assert first["person_id"] == again["person_id"]


async def test_what_is_said_under_a_known_id_makes_nobody_and_leaves_no_identifier(house):
    app = await house.start("identity")
    await say(app.client, ANNA, id="order-1")
    for other in (BEN, EMAIL):
        again = await say(app.client, other, PHONE, id="order-1")
        assert (again["outcome"], again["person_id"]) == ("duplicate", None)
    async with app.database.worker.transaction(1) as tx:
        [row] = await tx.fetch(statement("select count(*)::int as n from node"))
        assert (row["n"], (await tx.fetch(statement("select count(*)::int as n from twin")))[0]["n"]) == (1, 0)
    assert await ids_of(app.client, BEN, PHONE) == [None, None]
    # what was said first is what counts; said under an id of its own it makes somebody
    await say(app.client, BEN, PHONE, id="order-2")
    ben = await ids_of(app.client, BEN, PHONE)
    assert ben[0] == ben[1] is not None


async def test_case_22_a_merge_is_rehearsed_done_and_undone(house):
    client = (await house.start("identity")).client
    await say(client, ANNA, EMAIL)
    await say(client, CRM, PHONE)
    anna, crm = await ids_of(client, ANNA, CRM)
    rehearsed = await client.post("/v1/identity/persons/merge", json={"person_ids": [anna, crm], "dry_run": True})
    assert rehearsed.json()["merged"] == [{"person_id": crm, "into": anna}]
    assert await ids_of(client, ANNA, CRM) == [anna, crm]
    merged = await client.post("/v1/identity/persons/merge", json={"person_ids": [anna, crm]})
    assert merged.status_code == 200, merged.text
    assert await ids_of(client, ANNA, CRM, PHONE) == [anna] * 3
    person = (await client.get(f"/v1/identity/persons/{crm}")).json()
    assert (person["person_id"], person["canonical_id"], person["retired_ids"]) == (crm, anna, [crm])
    undone = await client.post(f"/v1/identity/persons/{anna}/unmerge", json={"retired_id": crm})
    assert undone.json()["revived"] == [crm]
    assert await ids_of(client, ANNA, EMAIL, CRM, PHONE) == [anna, anna, crm, crm]
    for _ in range(2):
        await say(client, ANNA, CRM, kind="bind", tier=2)
    assert await ids_of(client, ANNA, CRM) == [anna, crm]
    again = await client.post("/v1/identity/persons/merge", json={"person_ids": [anna, crm]})
    assert again.status_code == 200, again.text
    assert await ids_of(client, ANNA, CRM) == [anna] * 2


async def test_identifiers_part_from_a_person(house):
    client = (await house.start("identity")).client
    await say(client, ANNA, EMAIL)
    await say(client, ANNA, PHONE)
    [anna] = await ids_of(client, ANNA)
    answer = await client.post(f"/v1/identity/persons/{anna}/unmerge", json={"leaving": [PHONE]})
    assert answer.status_code == 200, answer.text
    now = await ids_of(client, ANNA, EMAIL, PHONE)
    assert now[:2] == [anna, anna]
    assert now[2] not in {None, anna}


async def test_a_merge_over_a_limit_is_refused_and_leaves_nothing(house):
    client = (await house.start("identity")).client
    await say(client, ANNA)
    await say(client, BEN)
    people = await ids_of(client, ANNA, BEN)
    answer = await client.post("/v1/identity/persons/merge", json={"person_ids": people})
    assert answer.status_code == 409
    assert answer.json()["type"].endswith(":limit")
    why = await client.post("/v1/identity/why-not", json={"a": ANNA, "b": BEN})
    assert why.json() == {"one_person": False, "links": []}


async def test_explain_shows_the_path_and_why_not_what_stands_in_the_way(house):
    client = (await house.start("identity")).client
    await say(client, ANNA, EMAIL, id="e1")
    await say(client, CRM, EMAIL, id="e2")
    await say(client, ANNA, PHONE, id="e3", time="2026-02-01T00:00:00Z")
    await say(client, BEN, PHONE, id="e4", time="2026-02-02T00:00:00Z")
    path = (await client.post("/v1/identity/explain", json={"a": ANNA, "b": CRM})).json()
    assert path["one_person"]
    assert [{link["a"]["namespace"], link["b"]["namespace"]} for link in path["links"]] == [
        {"user_id", "email"}, {"email", "crm_id"},
    ]  # fmt: skip
    assert all(link["evidence"][0]["kind"] == "login" for link in path["links"])
    refused = (await client.post("/v1/identity/why-not", json={"a": ANNA, "b": BEN})).json()
    assert not refused["one_person"]
    [link] = refused["links"]
    assert (link["state"], link["reason"]) == ("suppressed", "limit:user_id")
    assert sorted(one["value"] for one in link["blockers"]) == ["anna-1001", "ben-1002"]
    assert (await client.post("/v1/identity/explain", json={"a": ANNA, "b": BEN})).json()["links"] == []


async def test_persons_are_looked_up_by_number_in_bulk(house):
    identity = await house.start("identity")
    client = identity.client
    await say(client, ANNA)
    [anna] = await ids_of(client, ANNA)
    by_id = await client.post("/v1/identity/persons/lookup", json={"person_ids": [anna]})
    [found] = by_id.json()["items"]
    by_number = await client.post(
        "/v1/identity/persons/lookup",
        json={"person_nos": [found["person_no"], 999_999]},
        headers=identity.as_service("profile"),
    )
    assert by_number.json()["items"] == [found]
    assert found["canonical_id"] == anna


async def test_values_are_masked_for_keys_that_may_not_read_them():
    from services.identity.api.graph_models import masked

    assert masked("+8613912340001") == "+8***01"
    assert masked("anna") == "***"


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/v1/identity/evidence", {"items": []}, "/items"),
        ("/v1/identity/evidence", {"items": [{"kind": "guess", "tier": 1, "identifiers": [ANNA]}]}, "/items/0/kind"),
        ("/v1/identity/evidence", {"items": [{"kind": "login", "tier": 9, "identifiers": [ANNA]}]}, "/items/0/tier"),
        (
            "/v1/identity/evidence",
            {"items": [{"kind": "supersede", "tier": 0, "identifiers": [ANNA]}]},
            "/items/0/identifiers",
        ),
        ("/v1/identity/explain", {"a": ANNA, "b": {**PHONE, "value": "00000000"}}, "/b"),
        ("/v1/identity/explain", {"a": ANNA, "b": {"namespace": "moon", "value": "1"}}, "/b"),
        ("/v1/identity/persons/merge", {"person_ids": [str(uuid4())]}, "/person_ids"),
        ("/v1/identity/persons/lookup", {"person_nos": [0]}, "/person_nos/0"),
        ("/v1/identity/resolve", {"items": [{"identifiers": [{"namespace": "phone", "value": ""}]}]},
         "/items/0/identifiers/0/value"),
    ],
)  # fmt: skip
async def test_what_does_not_fit_is_refused_with_a_pointer(lasting_house, path, body, pointer):
    client = (await lasting_house.start("identity")).client
    answer = await client.post(path, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_unknown_persons_and_policies_that_make_no_sense_are_refused(house):
    client = (await house.start("identity")).client
    assert (await client.get(f"/v1/identity/persons/{uuid4()}")).status_code == 404
    assert (await client.get("/v1/identity/persons/by-identifier", params=ANNA)).status_code == 404
    answer = await client.put("/v1/identity/policies", json={"namespaces": {"tel": {"priority": 0}}})
    assert answer.status_code == 422
    answer = await client.put("/v1/identity/policies", json={"namespaces": {"Tel Number": {"priority": 1}}})
    assert answer.status_code == 422


async def test_new_policies_change_the_persons_there_are(house):
    identity = await house.start("identity")
    client = identity.client
    await say(client, ANNA, PHONE)
    await say(client, BEN, PHONE)
    assert len(set(await ids_of(client, ANNA, BEN))) == 2
    answer = await client.put(
        "/v1/identity/policies", json={"namespaces": {"user_id": {"priority": 1, "max_per_person": 2}}}
    )
    assert answer.json() == {"version": 1, "identifiers_to_review": 3}
    await identity.drain()
    assert len(set(await ids_of(client, ANNA, BEN))) == 1
    shown = (await client.get("/v1/identity/policies")).json()
    assert shown["version"] == 1
    assert shown["namespaces"]["user_id"]["max_per_person"] == 2
    assert shown["namespaces"]["phone"]["priority"] == 3


async def test_a_link_out_of_use_ends_when_the_clock_gets_there(house):
    identity = await house.start("identity")
    client = identity.client
    cookie = {"namespace": "cookie", "value": "visitor-0001"}
    await say(client, ANNA, cookie)
    anna, visitor = await ids_of(client, ANNA, cookie)
    assert anna == visitor
    from datetime import timedelta

    await identity.advance_to(house.now + timedelta(days=181))
    anna, visitor = await ids_of(client, ANNA, cookie)
    assert anna != visitor
