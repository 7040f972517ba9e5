"""The erasure in identity alone: the graph, the record, what comes late, and what the ledger keeps."""

import base64
import json
import shutil
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from libs.common.bus import MemoryBus
from libs.common.db import statement
from libs.common.personal import SealBroken, Sealer
from services.identity.main import keep_erased
from services.identity.store.erasure_ledger import ErasureLedger
from tests.fixtures.apps import House, ServiceApp

Json = dict[str, Any]

ANNA = {"namespace": "user_id", "scope": "main", "value": "anna-canary-77"}
BEN = {"namespace": "user_id", "scope": "main", "value": "ben-1002"}
PHONE = {"namespace": "phone", "scope": "", "value": "+8613912340001"}
FAMILY = {"namespace": "email", "scope": "", "value": "family@shop.cn"}


def login(user: str, number: int, **traits: str) -> Json:
    return {
        "type": "identify", "userId": user, "messageId": f"{user}-{number}", "timestamp": "2026-03-01T07:00:00Z",
        "traits": traits,
    }  # fmt: skip


async def send(house: House, app: ServiceApp, *calls: Json) -> None:
    token = base64.b64encode(f"{house.write_key}:".encode()).decode()
    answer = await app.client.post(
        "/v1/batch", json={"batch": list(calls)}, headers={"authorization": f"Basic {token}"}
    )
    assert answer.status_code == 200, answer.text
    await app.drain()


async def person_of(app: ServiceApp, identifier: Json) -> Json:
    answer = await app.client.get("/v1/identity/persons/by-identifier", params=identifier)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def erase(app: ServiceApp, person_id: str, **body: object) -> Json:
    answer = await app.client.post(f"/v1/identity/persons/{person_id}/erase", json=body)
    assert answer.status_code == 200, answer.text
    await app.drain()
    found: Json = answer.json()
    return found


async def rows(app: ServiceApp, table: str) -> list[Json]:
    async with app.database.worker.transaction(1) as tx:
        return [dict(row) for row in await tx.fetch(statement(f"select * from {table}"))]


async def test_case_27_an_erasure_takes_identifiers_evidence_record_and_redirects_and_leaves_others_alone(
    house: House,
) -> None:
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


async def test_case_27_what_comes_late_or_again_brings_nothing_back_but_is_kept_for_others(house: House) -> None:
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


async def test_a_late_event_that_names_him_and_another_of_his_issuer_is_kept_for_the_device(house: House) -> None:
    app = await house.start("identity")
    await send(house, app, login("anna-canary-77", 1))
    await erase(app, (await person_of(app, ANNA))["person_id"])
    ids = [{"id": "carl-1003", "type": "user_id", "collection": "users", "encoding": "none"}]
    late = {**login("anna-canary-77", 2), "anonymousId": "visitor-1", "context": {"externalIds": ids}}
    await send(house, app, late, login("ben-1002", 1))
    assert await rows(app, "dead_letter") == []
    assert len((await person_of(app, BEN))["identifiers"]) == 1
    visitor = await person_of(app, {"namespace": "cookie", "value": "visitor-1"})
    assert len(visitor["identifiers"]) == 1
    carl = {"namespace": "user_id", "scope": "main", "value": "carl-1003"}
    answer = await app.client.get("/v1/identity/persons/by-identifier", params=carl)
    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("other", ["aaron-1004", "carl-1003"])
async def test_a_late_event_that_names_him_and_another_of_his_issuer_alone_is_gone(house: House, other: str) -> None:
    app = await house.start("identity")
    await send(house, app, login("anna-canary-77", 1))
    await erase(app, (await person_of(app, ANNA))["person_id"])
    ids = [{"id": other, "type": "user_id", "collection": "users", "encoding": "none"}]
    late = {**login("anna-canary-77", 2), "context": {"externalIds": ids}}
    await send(house, app, late, login("ben-1002", 1))
    assert await rows(app, "dead_letter") == []
    assert [row["message_id"] for row in await rows(app, "event_log")] == ["ben-1002-1"]


async def test_case_26_an_id_that_had_ended_in_an_erased_person_is_gone_too(house: House) -> None:
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


async def test_a_call_in_quarantine_that_names_him_goes_as_well(house: House) -> None:
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


async def test_case_27_who_consents_anew_is_somebody_new(house: House) -> None:
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


async def test_the_ledger_names_nobody_in_clear(house: House) -> None:
    app = await house.start("identity")
    await send(house, app, login("anna-canary-77", 1, phone="+8613912340001"))
    await erase(app, (await person_of(app, ANNA))["person_id"])
    written = (house.data_dir / "erasures.ndjson").read_text()
    assert len(written.splitlines()) == 1
    assert json.loads(written)["kind"] == "erased"
    assert "anna" not in written
    assert "13912340001" not in written


async def a_restored_house(house: House, stack: AsyncExitStack, folder: Path) -> House:
    """Return a house with the same keys, whose database knows nothing of what happened in the first one."""
    restored = House(house.templates, MemoryBus(), stack, folder)
    restored.records, restored.secret_key, restored.write_key = house.records, house.secret_key, house.write_key
    return restored


async def test_a_database_restored_from_before_an_erasure_forgets_again_before_it_answers(
    house: House, tmp_path: Path
) -> None:
    app = await house.start("identity")
    crm = {"kind": "bind", "tier": 1, "identifiers": [{"namespace": "crm_id", "scope": "crm", "value": "c-77"}, PHONE]}
    calls = [login("anna-canary-77", 1, email="family@shop.cn"), login("ben-1002", 1, email="family@shop.cn")]
    await send(house, app, *calls)
    await app.client.post("/v1/identity/evidence", json={"items": [crm]})
    anna, hers = (await person_of(app, ANNA))["person_id"], (await person_of(app, PHONE))["person_id"]
    await app.client.post("/v1/identity/persons/merge", json={"person_ids": [anna, hers]})
    done = await erase(app, anna)
    async with AsyncExitStack() as stack:
        restored = await a_restored_house(house, stack, tmp_path)
        old = await restored.start("identity")
        await send(restored, old, *calls)  # before the merge: she is two there, and under other ids
        await old.client.post("/v1/identity/evidence", json={"items": [crm]})
        ben = (await person_of(old, BEN))["person_id"]
        shutil.copy(house.data_dir / "erasures.ndjson", tmp_path / "erasures.ndjson")
        await keep_erased(old.runtime, old.runtime.parts)
        await old.drain()
        for identifier in (ANNA, PHONE):
            answer = await old.client.get("/v1/identity/persons/by-identifier", params=identifier)
            assert answer.status_code == 410
        for one in (anna, hers):
            assert (await old.client.get(f"/v1/identity/persons/{one}")).status_code in {404, 410}
        assert (await old.client.get(f"/v1/identity/persons/{anna}")).status_code == 410
        assert (await person_of(old, BEN))["person_id"] == ben
        status = (await old.client.get(f"/v1/identity/erasures/{done['erasure_id']}")).json()
        assert status["counts"]["identifiers"] == done["counts"]["identifiers"]
        assert [row["message_id"] for row in await rows(old, "event_log")] == ["ben-1002-1"]
        await keep_erased(old.runtime, old.runtime.parts)
        assert len(await rows(old, "erasure")) == 1


async def test_a_lost_ledger_is_written_anew_and_one_of_other_keys_stops_the_start(house: House) -> None:
    app = await house.start("identity")
    await send(house, app, login("anna-canary-77", 1))
    done = await erase(app, (await person_of(app, ANNA))["person_id"])
    ledger = house.data_dir / "erasures.ndjson"
    ledger.write_text("")
    await keep_erased(app.runtime, app.runtime.parts)
    assert [json.loads(line)["erasure_id"] for line in ledger.read_text().splitlines()] == [done["erasure_id"]]
    entry = json.loads(ledger.read_text())
    entry["sealed"] = Sealer({1: b"x" * 32}).seal_json([["00", "user_id", ""]])
    ledger.write_text(json.dumps(entry) + "\n")
    with pytest.raises(SealBroken):
        await keep_erased(app.runtime, app.runtime.parts)


async def test_nobody_is_erased_while_the_ledger_cannot_be_written(house: House) -> None:
    app = await house.start("identity")
    await send(house, app, login("anna-canary-77", 1))
    anna = (await person_of(app, ANNA))["person_id"]
    (house.data_dir / "erasures.ndjson").mkdir()
    answer = await app.client.post(f"/v1/identity/persons/{anna}/erase", json={})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:rapport:problem:ledger")
    assert (await person_of(app, ANNA))["person_id"] == anna


def test_a_line_that_a_crash_tore_swallows_no_other(tmp_path: Path) -> None:
    ledger = ErasureLedger(tmp_path / "erasures.ndjson")
    named = b'"kind":"erased","erasure_id":"01a20566-3f98-72fe-84ae-d05985e5bfb5"'
    sample = b"{" + named + b',"workspace_id":1,"at":"2026-03-01T08:00:00Z"}'
    ledger.path.write_bytes(sample + b"\n" + sample[:40])
    torn: list[int] = []
    [known] = ledger.read(torn.append)
    ledger.append(known)
    assert len(ledger.read()) == 2
    assert torn == [2]
