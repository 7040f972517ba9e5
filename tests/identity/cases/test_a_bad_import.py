"""Case 30: what a batch would do to persons is told before anybody lets it, and what is let in anyway is stopped."""

from typing import Any

from libs.common.db import statement

ROWS = 300
NAMING_NOBODY = statement("select count(*) from evidence where not (node_nos <@ array(select node_no from node))")
STRAY = {"namespace": "jd_id", "value": "not-a-customer-but-the-shop", "scope": ""}

PEOPLE = 5


def named(namespace: str, value: str, scope: str = "") -> dict[str, str]:
    return {"namespace": namespace, "value": value, "scope": scope}


async def test_case_30_a_preview_says_what_a_batch_would_merge_and_changes_nothing(house):
    client = (await house.start("identity")).client
    fans = [named("wx_openid", f"fan{number}".ljust(28, "x"), f"app{number}") for number in range(PEOPLE)]
    members = [named("crm_id", f"member-{number}", f"shop-{number}") for number in range(PEOPLE)]
    facts = [{"kind": "login", "tier": 1, "identifiers": list(pair)} for pair in zip(fans, members, strict=True)]
    assert (await client.post("/v1/identity/evidence", json={"items": facts})).status_code == 200

    async def persons() -> list[str]:
        asked = [{"identifiers": [one]} for one in (*fans, *members)]
        return [
            item["person_id"]
            for item in (await client.post("/v1/identity/resolve", json={"items": asked})).json()["items"]
        ]

    before = await persons()
    column = named("jd_id", "the-shop-itself")
    bad = [{"kind": "import", "tier": 2, "identifiers": [member, column]} for member in members]
    bad.append({"kind": "import", "tier": 2, "identifiers": [named("phone", "138****8000"), members[0]]})
    answer = await client.post("/v1/identity/evidence/preview", json={"items": bad})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["persons_merged"], told["anchors_lost"], told["largest_person"]) == (
        PEOPLE - 1,
        PEOPLE - 1,
        2 * PEOPLE + 1,
    )
    assert [one["reason"] for one in told["invalid"]] == ["masked"]
    assert told["change"]["dry_run"] and len(told["change"]["merged"]) == PEOPLE - 1
    assert await persons() == before
    asked = {"items": [{"identifiers": [column]}]}
    assert (await client.post("/v1/identity/resolve", json=asked)).json()["items"][0]["person_id"] is None


def row(number: int, *, time: str = "2026-02-01T08:00:00Z") -> dict[str, Any]:
    """A row of an import that has the shop's own id in the column of the customer's."""
    return {"id": f"row-{number}", "kind": "import", "tier": 2, "time": time, "identifiers": [customer(number), STRAY]}


def customer(number: int) -> dict[str, str]:
    # Every branch numbers its customers for itself, so nothing contradicts that all are one.
    return named("crm_id", f"customer-{number}", f"branch-{number}")


async def persons_of(client, identifiers: list[dict[str, str]]) -> list[str | None]:
    answer = await client.post("/v1/identity/resolve", json={"items": [{"identifiers": [one]} for one in identifiers]})
    assert answer.status_code == 200, answer.text
    return [item["person_id"] for item in answer.json()["items"]]


async def test_case_30_a_stray_identifier_in_an_import_ends_in_quarantine_and_harms_nobody(house):
    identity = await house.start("identity")
    client = identity.client
    customers = [customer(number) for number in range(ROWS)]
    emails = [named("email", f"customer{number}@example.cn") for number in range(ROWS)]
    honest = [{"kind": "login", "tier": 1, "identifiers": list(pair)} for pair in zip(customers, emails, strict=True)]
    assert (await client.post("/v1/identity/evidence", json={"items": honest})).status_code == 200
    before = await persons_of(client, customers)
    assert len(set(before)) == ROWS

    rows = [row(number) for number in range(ROWS)]
    told = (await client.post("/v1/identity/evidence/preview", json={"items": rows})).json()
    assert (told["links_quarantined"], told["persons_merged"]) == (ROWS, 0)
    assert (await client.get("/v1/identity/quarantined-links")).json()["items"] == [], "a preview holds nothing"

    # a few rows are let in before it is too many: they are taken back
    for batch in (rows[:40], rows[40:60], rows[60:]):
        assert (await client.post("/v1/identity/evidence", json={"items": batch})).status_code == 200
    assert await persons_of(client, customers) == before, "nobody is anybody else"
    [cause] = (await client.get("/v1/identity/quarantined-links/causes")).json()["items"]
    assert (cause["identifier"]["namespace"], cause["links"]) == ("jd_id", ROWS)
    listed = await pages(client, "/v1/identity/quarantined-links?limit=97")
    assert len({one["hold_id"] for one in listed}) == len(listed) == ROWS
    assert {(one["reason"], one["state"], one["cause"]["namespace"]) for one in listed} == {("rate", "open", "jd_id")}

    why = (await client.post("/v1/identity/why-not", json={"a": customers[7], "b": STRAY})).json()
    assert [(one["state"], one["reason"]) for one in why["links"]] == [("quarantined", "rate")]
    assert why["links"][0]["evidence"][0]["kind"] == "import"
    person = (await client.get(f"/v1/identity/persons/{before[7]}")).json()
    assert [(one["state"], one["reason"]) for one in person["refused"]] == [("quarantined", "rate")]
    explained = (await client.post("/v1/identity/explain", json={"a": customers[7], "b": emails[7]})).json()
    assert explained["one_person"]


async def pages(client, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await client.get(f"{path}{cursor}")).json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def stopped(client) -> None:
    rows = [row(number) for number in range(ROWS)]
    assert (await client.post("/v1/identity/evidence", json={"items": rows})).status_code == 200


async def test_case_30_what_is_thrown_away_never_comes_back_by_the_same_evidence(house):
    identity = await house.start("identity")
    client = identity.client
    await stopped(client)
    word = {"identifier": STRAY}
    dry = (await client.post("/v1/identity/quarantined-links/throw-away", json={**word, "dry_run": True})).json()
    assert (dry["links"], dry["more"], dry["change"]["dry_run"]) == (ROWS, False, True)
    assert len(await pages(client, "/v1/identity/quarantined-links?limit=500")) == ROWS
    done = await client.post("/v1/identity/quarantined-links/throw-away", json=word)
    assert (done.status_code, done.json()["links"]) == (200, ROWS)
    gone = await pages(client, "/v1/identity/quarantined-links?state=thrown_away&limit=500")
    assert {(one["state"], one["author"][:4]) for one in gone} == {("thrown_away", "key:")}
    assert await pages(client, "/v1/identity/quarantined-links?limit=500") == []
    # the same file under new ids
    again = [{**row(number), "id": f"again-{number}"} for number in range(ROWS)]
    assert (await client.post("/v1/identity/evidence", json={"items": again})).status_code == 200
    customers = [customer(number) for number in range(ROWS)]
    assert len(set(await persons_of(client, [*customers, STRAY]))) == ROWS + 1
    why = (await client.post("/v1/identity/why-not", json={"a": customers[7], "b": STRAY})).json()
    assert [one["state"] for one in why["links"]] == ["retracted"]


async def test_case_30_what_is_released_counts_like_any_other_and_a_person_still_has_his_size(house):
    identity = await house.start("identity")
    client = identity.client
    await stopped(client)
    done = (await client.post("/v1/identity/quarantined-links/release", json={"identifier": STRAY})).json()
    assert done["links"] == ROWS
    customers = [customer(number) for number in range(ROWS)]
    stray, *owners = await persons_of(client, [STRAY, *customers])
    assert owners.count(stray) == 199, "two hundred with the stray one"
    left = await pages(client, "/v1/identity/quarantined-links?reason=size&limit=500")
    assert len(left) == ROWS - 199
    assert (await client.get("/v1/identity/quarantined-links/causes")).json()["items"] == []
    word = {"hold_ids": [left[0]["hold_id"]]}
    one = (await client.post("/v1/identity/quarantined-links/release", json=word)).json()
    assert (one["links"], len(one["change"]["merged"])) == (1, 1)
    merge = {"person_ids": [stray, next(owner for owner in await persons_of(client, customers) if owner != stray)]}
    refused = await client.post("/v1/identity/persons/merge", json=merge)
    assert (refused.status_code, refused.json()["type"].split(":")[-1]) == (409, "too_large")
    nobody = await client.post("/v1/identity/quarantined-links/release", json={})
    assert nobody.status_code == 422


async def test_case_30_the_safeguards_are_settings_of_the_policies(house):
    identity = await house.start("identity")
    client = identity.client
    policies = {"namespaces": {}, "safeguards": {"joins_per_minute": None, "largest_person": 10}}
    assert (await client.put("/v1/identity/policies", json=policies)).status_code == 200
    told = (await client.get("/v1/identity/policies")).json()["safeguards"]
    assert told == {
        "largest_person": 10,
        "joins_per_minute": None,
        "merges_per_minute": None,
        "dormant_days": 365,
    }
    await stopped(client)
    assert len(await pages(client, "/v1/identity/quarantined-links?reason=size&limit=500")) == ROWS - 9
    wider = {"namespaces": {}, "safeguards": {"joins_per_minute": None, "largest_person": 20}}
    shadow = (await client.post("/v1/identity/policies/shadows", json=wider)).json()
    await identity.drain()
    report = (await client.get(f"/v1/identity/policies/shadows/{shadow['shadow_id']}")).json()["report"]
    assert report["links"] == [{"was": "quarantined(size)", "becomes": "active", "count": 10}]
    assert (await client.post(f"/v1/identity/policies/shadows/{shadow['shadow_id']}/switch")).status_code == 200
    await identity.drain()
    assert len(await pages(client, "/v1/identity/quarantined-links?reason=size&limit=500")) == ROWS - 19


async def test_case_30_an_erasure_takes_what_waits_in_quarantine_along(house):
    identity = await house.start("identity")
    client = identity.client
    await stopped(client)
    [person] = await persons_of(client, [customer(7)])
    assert (await client.post(f"/v1/identity/persons/{person}/erase", json={})).status_code in {200, 202}
    assert len(await pages(client, "/v1/identity/quarantined-links?limit=500")) == ROWS - 1
    [stray] = await persons_of(client, [STRAY])
    assert (await client.post(f"/v1/identity/persons/{stray}/erase", json={})).status_code in {200, 202}
    assert await pages(client, "/v1/identity/quarantined-links?limit=500") == []
    assert (await client.get("/v1/identity/quarantined-links/causes")).json()["items"] == []
    left = [customer(number) for number in range(ROWS) if number != 7]
    assert len(set(await persons_of(client, left))) == ROWS - 1
    async with identity.database.worker.transaction(identity.runtime.directory.workspaces()[0].workspace_id) as tx:
        named = await tx.fetch_value(NAMING_NOBODY)
    assert named == 0, "no evidence names who is gone"
