"""Cases 14, 16, 22, 23, 26: what a limit pushes out, what comes late, what is undone, and what a time still says."""

from datetime import timedelta
from typing import Any

import httpx

from tests.fixtures.apps import House

ANNA = {"namespace": "user_id", "scope": "main", "value": "anna-1"}
BEN = {"namespace": "user_id", "scope": "main", "value": "ben-1"}
CARL = {"namespace": "user_id", "scope": "main", "value": "carl-1"}
CRM = {"namespace": "crm_id", "scope": "crm", "value": "c-77"}
TABLET = {"namespace": "device", "scope": "", "value": "6f9619ff-8b86-d011-b42d-00cf4fc964ff"}
DAY = "2026-02-{:02d}T08:00:00Z"


async def say(client: httpx.AsyncClient, day: int, *identifiers: dict[str, str], kind: str = "login") -> None:
    item = {"kind": kind, "tier": 0 if "link" in kind else 1, "time": DAY.format(day), "identifiers": list(identifiers)}
    answer = await client.post("/v1/identity/evidence", json={"items": [item]})
    assert answer.status_code == 200, answer.text


async def then(client: httpx.AsyncClient, identifier: dict[str, str], day: int) -> Any:
    query = {**identifier, "as_of": DAY.format(day)}
    answer = await client.get("/v1/identity/persons/by-identifier", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(person: Any) -> set[str]:
    return {one["value"] for one in person["identifiers"]}


async def id_of(client: httpx.AsyncClient, identifier: dict[str, str]) -> str:
    answer = await client.get("/v1/identity/persons/by-identifier", params=identifier)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["person_id"])


async def read_clear(house: House) -> httpx.AsyncClient:
    return (await house.start("identity")).client


async def test_case_16_late_evidence_steals_nothing_and_fills_its_own_time(house: House) -> None:
    client = await read_clear(house)
    await say(client, 1, ANNA, TABLET)
    await say(client, 20, BEN, TABLET)
    assert names(await then(client, TABLET, 10)) >= {"anna-1"}
    assert names(await then(client, TABLET, 21)) >= {"ben-1"}
    await say(client, 5, CARL, TABLET)  # hours to years late: the same as if on time
    assert names(await then(client, TABLET, 3)) >= {"anna-1"}
    assert names(await then(client, TABLET, 10)) >= {"carl-1"}
    assert names(await then(client, TABLET, 21)) >= {"ben-1"}
    assert await id_of(client, TABLET) == await id_of(client, BEN)


async def test_as_of_answers_the_same_tomorrow_whatever_happens_later(house: House) -> None:
    client = await read_clear(house)
    await say(client, 1, ANNA)
    await say(client, 1, CRM)
    before = await then(client, ANNA, 3)
    anna, crm = await id_of(client, ANNA), await id_of(client, CRM)
    await say(client, 5, ANNA, CRM, kind="must_link")
    assert names(await then(client, ANNA, 3)) == names(before) == {"anna-1"}
    assert names(await then(client, ANNA, 6)) == {"anna-1", "c-77"}
    for one, alone in ((anna, "anna-1"), (crm, "c-77")):
        answer = await client.get(f"/v1/identity/persons/{one}", params={"as_of": DAY.format(3)})
        assert (names(answer.json()), answer.json()["canonical_id"]) == ({alone}, anna)
    early = await client.get("/v1/identity/persons/by-identifier", params={**ANNA, "as_of": "2025-01-01T00:00:00Z"})
    assert early.status_code == 404


async def test_case_22_an_undone_merge_gives_both_back(house: House) -> None:
    client = await read_clear(house)
    await say(client, 1, ANNA)
    await say(client, 1, CRM)
    anna, crm = await id_of(client, ANNA), await id_of(client, CRM)
    await say(client, 2, ANNA, CRM, kind="bind")
    assert await id_of(client, CRM) == anna
    undone = await client.post(f"/v1/identity/persons/{anna}/unmerge", json={"retired_id": crm})
    assert undone.json()["revived"] == [crm]
    assert (await id_of(client, ANNA), await id_of(client, CRM)) == (anna, crm)


async def test_case_22_who_had_merged_into_somebody_parts_from_him_also_after_that_one_was_parted(house: House) -> None:
    """His own version follows whoever he is with; what counts is when he ended."""
    client = await read_clear(house)
    shop = {"namespace": "user_id", "scope": "shop", "value": "shop-1"}
    for one in (ANNA, CRM, shop):
        await say(client, 1, one)
    # of more identifiers, that she goes on
    for last in range(3):
        await say(client, 1, ANNA, {"namespace": "phone", "scope": "", "value": f"+861391234000{last}"})
    anna, crm, bought = [await id_of(client, one) for one in (ANNA, CRM, shop)]
    await say(client, 2, CRM, shop, kind="bind")
    inner = await id_of(client, shop)
    assert inner == await id_of(client, CRM)
    [ended] = {crm, bought} - {inner}
    merged = await client.post("/v1/identity/persons/merge", json={"person_ids": [anna, inner]})
    assert merged.status_code == 200, merged.text
    outer = await id_of(client, ANNA)
    assert outer == anna
    for whom, retired in ((outer, inner), (inner, ended)):
        parted = await client.post(f"/v1/identity/persons/{whom}/unmerge", json={"retired_id": retired})
        assert parted.status_code == 200, parted.text
    assert [await id_of(client, one) for one in (ANNA, CRM, shop)] == [anna, crm, bought]


async def test_case_23_the_same_weak_evidence_is_refused_after_an_undone_merge_and_counted(house: House) -> None:
    identity = await house.start("identity")
    client = identity.client
    await say(client, 1, ANNA)
    await say(client, 1, CRM)
    anna, crm = await id_of(client, ANNA), await id_of(client, CRM)
    await say(client, 2, ANNA, CRM, kind="bind")
    await client.post(f"/v1/identity/persons/{anna}/unmerge", json={"retired_id": crm})
    for times in range(4):
        assert (await id_of(client, ANNA), await id_of(client, CRM)) == (anna, crm)
        refused = await client.post("/v1/identity/why-not", json={"a": ANNA, "b": CRM})
        [link] = refused.json()["links"]
        assert (link["state"], link["reason"], link["refused_count"]) == ("suppressed", "cannot_link", times)
        assert link["evidence_count"] == 2 + times
        await identity.advance_to(house.now + timedelta(hours=1 + times))
        await say(client, 3 + times, ANNA, CRM, kind="bind")  # from before the undoing: when it came counts


async def test_case_14_a_limit_loses_nothing_what_it_pushed_out_is_still_his_as_of_its_time(house: House) -> None:
    """The counter of limits hears of each link once; who is in the way and whose it was when, anybody may ask."""
    identity = await house.start("identity")
    client, heard = identity.client, []
    identity.runtime.parts.graph.limited = lambda *told: heard.append(told)
    phones = [{"namespace": "phone", "scope": "", "value": f"+86139123400{number:02}"} for number in range(7)]
    for day, phone in enumerate(phones, 1):
        await say(client, day, ANNA, phone)
        await say(client, day, ANNA, phone)
    assert names(await then(client, ANNA, 20)) == {"anna-1", *(one["value"] for one in phones[2:])}
    assert heard == [(1, "limit:phone", 1)] * 2
    assert names(await then(client, phones[0], 3)) == {"anna-1", *(one["value"] for one in phones[:3])}
    assert names(await then(client, phones[0], 20)) == {phones[0]["value"]}
    assert await id_of(client, phones[0]) != await id_of(client, ANNA)
    [link] = (await client.post("/v1/identity/why-not", json={"a": ANNA, "b": phones[0]})).json()["links"]
    assert (link["state"], link["reason"], link["evidence_count"]) == ("suppressed", "limit:phone", 2)
    owners = (await client.get("/v1/identity/identifiers/history", params=phones[0])).json()["owners"]
    assert [one["person_id"] for one in owners] == [await id_of(client, one) for one in (ANNA, phones[0])]


async def test_case_26_an_id_leads_to_the_survivor_for_ever_and_its_history_is_told(house: House) -> None:
    client = await read_clear(house)
    await say(client, 1, ANNA)
    await say(client, 1, CRM)
    anna, crm = await id_of(client, ANNA), await id_of(client, CRM)
    await say(client, 2, ANNA, CRM, kind="must_link")
    assert (await client.get(f"/v1/identity/persons/{crm}")).json()["canonical_id"] == anna
    kept = (await client.get(f"/v1/identity/persons/{anna}/history")).json()
    assert [one["kind"] for one in kept["changes"]] == ["gained", "absorbed", "gained"]
    ended = (await client.get(f"/v1/identity/persons/{crm}/history")).json()
    assert ended["state"] == "merged"
    assert [(one["kind"], one["other_person_id"]) for one in ended["changes"]][-1] == ("merged", anna)
    owners = (await client.get("/v1/identity/identifiers/history", params=CRM)).json()["owners"]
    assert [one["person_id"] for one in owners] == [crm, anna]
