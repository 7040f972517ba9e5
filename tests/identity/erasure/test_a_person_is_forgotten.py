"""The erasure in identity alone: the graph, the record, what comes late, and what the ledger keeps."""

import base64
import json

from libs.common.db import statement
from tests.fixtures.apps import House, ServiceApp

ANNA = {"namespace": "user_id", "scope": "main", "value": "anna-canary-77"}
BEN = {"namespace": "user_id", "scope": "main", "value": "ben-1002"}
PHONE = {"namespace": "phone", "scope": "", "value": "+8613912340001"}
FAMILY = {"namespace": "email", "scope": "", "value": "family@shop.cn"}


def login(user: str, number: int, **traits: str) -> dict:
    return {
        "type": "identify", "userId": user, "messageId": f"{user}-{number}", "timestamp": "2026-03-01T07:00:00Z",
        "traits": traits,
    }  # fmt: skip


async def send(house: House, app: ServiceApp, *calls: dict) -> None:
    token = base64.b64encode(f"{house.write_key}:".encode()).decode()
    answer = await app.client.post(
        "/v1/batch", json={"batch": list(calls)}, headers={"authorization": f"Basic {token}"}
    )
    assert answer.status_code == 200, answer.text
    await app.drain()


async def person_of(app: ServiceApp, identifier: dict) -> dict:
    answer = await app.client.get("/v1/identity/persons/by-identifier", params=identifier)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def erase(app: ServiceApp, person_id: str, **body: object) -> dict:
    answer = await app.client.post(f"/v1/identity/persons/{person_id}/erase", json=body)
    assert answer.status_code == 200, answer.text
    await app.drain()
    return answer.json()


async def rows(app: ServiceApp, table: str) -> list[dict]:
    async with app.database.worker.transaction(1) as tx:
        return [dict(row) for row in await tx.fetch(statement(f"select * from {table}"))]


async def test_an_erasure_takes_identifiers_evidence_record_and_redirects_and_leaves_others_alone(house: House):
    app = await house.start("identity")
    await send(
        house, app, login("anna-canary-77", 1, phone="+8613912340001", email="family@shop.cn"),
        login("ben-1002", 1, email="family@shop.cn"), login("ben-1002", 2, city="Shanghai"),
    )  # fmt: skip
    anna, ben = (await person_of(app, ANNA))["person_id"], (await person_of(app, BEN))["person_id"]
    rehearsed = await erase(app, anna, dry_run=True)
    assert (rehearsed["state"], (await person_of(app, ANNA))["person_id"]) == ("rehearsed", anna)
    done = await erase(app, anna, reason="asked by letter")
    assert done["counts"] == rehearsed["counts"]
    assert done["counts"]["events"] == 1
    gone = await app.client.get(f"/v1/identity/persons/{anna}")
    assert (gone.status_code, gone.json()["type"]) == (410, "urn:rapport:problem:erased")
    by_identifier = await app.client.get("/v1/identity/persons/by-identifier", params=ANNA)
    assert by_identifier.status_code == 410
    assert (await app.client.post(f"/v1/identity/persons/{anna}/erase", json={})).status_code == 410
    asked = await app.client.post("/v1/identity/resolve", json={"items": [{"identifiers": [PHONE]}], "create": True})
    [item] = asked.json()["items"]
    assert (item["person_id"], item["identifiers"][0]["reason"]) == (None, "erased")
    assert (await person_of(app, BEN))["person_id"] == ben
    assert len(await rows(app, "event_log")) == 2
    assert {row["namespace"] for row in await rows(app, "node")} <= {"user_id", "email"}
    status = (await app.client.get(f"/v1/identity/erasures/{done['erasure_id']}")).json()
    assert (status["state"], [one["service"] for one in status["receipts"]]) == ("in_progress", ["identity"])
    assert (await app.client.get("/v1/identity/erasures")).json()["items"][0]["reason"] == "asked by letter"


async def test_what_comes_late_or_again_brings_nothing_back_but_is_kept_for_others(house: House):
    app = await house.start("identity")
    first = login("anna-canary-77", 1, phone="+8613912340001")
    await send(house, app, first)
    anna = (await person_of(app, ANNA))["person_id"]
    await erase(app, anna)
    await send(
        house, app, first, login("anna-canary-77", 2, phone="+8613912340001", email="new@shop.cn"),
        login("ben-1002", 3, phone="+8613912340001", city="Suzhou"),
    )  # fmt: skip
    said = {"kind": "login", "tier": 1, "identifiers": [ANNA, {"namespace": "cookie", "value": "late-cookie-1"}]}
    answer = await app.client.post("/v1/identity/evidence", json={"items": [said]})
    assert [one["outcome"] for one in answer.json()["items"]] == ["erased"]
    for identifier in (ANNA, PHONE):
        found = await app.client.get("/v1/identity/persons/by-identifier", params=identifier)
        assert found.status_code == 410
    ben = await person_of(app, BEN)
    assert [one["namespace"] for one in ben["identifiers"]] == ["user_id"]
    [kept] = await rows(app, "event_log")
    assert kept["message_id"] == "ben-1002-3"
    assert [row["namespace"] for row in await rows(app, "node")] == ["user_id"]


async def test_an_id_that_had_ended_in_him_is_gone_too(house: House):
    app = await house.start("identity")
    await send(house, app, login("anna-canary-77", 1), login("ben-1002", 1))
    said = {"kind": "bind", "tier": 1, "identifiers": [{"namespace": "crm_id", "scope": "crm", "value": "c-77"}, PHONE]}
    await app.client.post("/v1/identity/evidence", json={"items": [said]})
    anna, crm = (await person_of(app, ANNA))["person_id"], (await person_of(app, PHONE))["person_id"]
    await app.client.post("/v1/identity/persons/merge", json={"person_ids": [anna, crm]})
    assert (await erase(app, crm))["person_id"] in {anna, crm}
    for one in (anna, crm):
        assert (await app.client.get(f"/v1/identity/persons/{one}")).status_code == 410
    looked_up = await app.client.post("/v1/identity/persons/lookup", json={"person_ids": [anna, crm]})
    assert [(one["state"], one["canonical_id"]) for one in looked_up.json()["items"]] == [("erased", None)] * 2


async def test_a_call_in_quarantine_that_names_him_goes_as_well(house: House):
    app = await house.start("identity")
    await send(house, app, login("anna-canary-77", 1, phone="+8613912340001"))
    broken = {"type": "track", "messageId": "q1", "userId": "x1", "properties": {"tel": "139 1234 0001"}}
    other = {"type": "track", "messageId": "q2", "userId": "x2", "properties": {"tel": "138 1234 0002"}}
    await send(house, app, broken, other)
    assert len(await rows(app, "quarantine")) == 2
    done = await erase(app, (await person_of(app, ANNA))["person_id"])
    assert len(await rows(app, "quarantine")) == 1
    [receipt] = (await app.client.get(f"/v1/identity/erasures/{done['erasure_id']}")).json()["receipts"]
    assert receipt["deleted"]["quarantined"] == 1


async def test_who_consents_anew_is_somebody_new(house: House):
    app = await house.start("identity")
    await send(house, app, login("anna-canary-77", 1))
    before = (await person_of(app, ANNA))["person_id"]
    await erase(app, before)
    opened = await app.client.post("/v1/identity/erasures/reopen", json={"identifiers": [ANNA]})
    assert opened.json() == {"reopened": 1}
    refused = await app.client.post("/v1/identity/erasures/reopen", json={"identifiers": [ANNA]})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:rapport:problem:not_erased")
    await send(house, app, login("anna-canary-77", 2))
    after = (await person_of(app, ANNA))["person_id"]
    assert after != before
    assert (await app.client.get(f"/v1/identity/persons/{before}")).status_code == 410


async def test_the_ledger_names_nobody_in_clear(house: House):
    app = await house.start("identity")
    await send(house, app, login("anna-canary-77", 1, phone="+8613912340001"))
    await erase(app, (await person_of(app, ANNA))["person_id"])
    written = (house.data_dir / "erasures.ndjson").read_text()
    assert len(written.splitlines()) == 1
    assert json.loads(written)["kind"] == "erased"
    assert "anna" not in written
    assert "13912340001" not in written
