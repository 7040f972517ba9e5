"""Case 30: columns that slipped join everybody to another; what is beyond the source's rate waits for a person."""

from typing import Any

import pytest

from tests.identity.cases.test_a_bad_import import named, pages, persons_of

PAIRS = 40
MOST = 15
PATH = "/v1/identity/quarantined-links"


def customer(number: int) -> dict[str, str]:
    return named("crm_id", f"customer-{number}", f"branch-{number}")


def account(number: int) -> dict[str, str]:
    return named("taobao_id", f"account-{number}")


def fact(name: str, *identifiers: dict[str, str], time: str = "2026-02-01T08:00:00Z") -> dict[str, Any]:
    return {"id": name, "kind": "import", "tier": 2, "time": time, "identifiers": list(identifiers)}


@pytest.fixture
def slipped() -> list[dict[str, Any]]:
    """Facts that join everybody to one other."""
    return [fact(f"slipped-{number}", customer(number), account(number)) for number in range(PAIRS)]


async def start(house, slipped: list[dict[str, Any]]):
    """Declare a rate, make two persons a pair, and have the pairs joined; the clock stands."""
    identity = await house.start("identity")
    client = identity.client
    policies = {"namespaces": {}, "safeguards": {"merges_per_minute": MOST}}
    assert (await client.put("/v1/identity/policies", json=policies)).status_code == 200
    known = [fact(f"{who.__name__}-{n}", who(n)) for n in range(PAIRS) for who in (customer, account)]
    assert (await client.post("/v1/identity/evidence", json={"items": known})).status_code == 200
    if not slipped:
        return client
    told = (await client.post("/v1/identity/evidence/preview", json={"items": slipped})).json()
    assert (told["persons_merged"], told["links_quarantined"]) == (MOST, PAIRS - MOST)
    for some in (slipped[:10], slipped[10:]):
        assert (await client.post("/v1/identity/evidence", json={"items": some})).status_code == 200
    return client


async def joined(client) -> int:
    customers = await persons_of(client, [customer(number) for number in range(PAIRS)])
    accounts = await persons_of(client, [account(number) for number in range(PAIRS)])
    return sum(one == other for one, other in zip(customers, accounts, strict=True))


async def one_that_waits(client) -> int:
    """The number of a pair that was not joined."""
    [one] = (await client.get(f"{PATH}?limit=1")).json()["items"]
    return int(one["a"]["identifier"]["value"].rsplit("-")[-1])


async def test_case_30_what_a_source_merges_beyond_its_rate_waits_and_says_why(house, slipped):
    client = await start(house, slipped)
    assert await joined(client) == MOST
    [cause] = (await client.get(f"{PATH}/causes")).json()["items"]
    assert (cause["identifier"], cause["source_id"], cause["links"]) == (None, 0, PAIRS - MOST)
    waiting = await pages(client, f"{PATH}?reason=source_rate&limit=7")
    assert len({one["hold_id"] for one in waiting}) == len(waiting) == PAIRS - MOST
    assert {(one["reason"], one["state"], one["source_id"], one["cause"]) for one in waiting} == {
        ("source_rate", "open", 0, None)
    }
    number = await one_that_waits(client)
    both = {"a": customer(number), "b": account(number)}
    why = (await client.post("/v1/identity/why-not", json=both)).json()
    assert [(one["state"], one["reason"]) for one in why["links"]] == [("quarantined", "source_rate")]
    assert why["links"][0]["evidence"][0]["kind"] == "import"
    explained = (await client.post("/v1/identity/explain", json=both)).json()
    assert not explained["one_person"]
    [person] = await persons_of(client, [customer(number)])
    shown = (await client.get(f"/v1/identity/persons/{person}")).json()
    assert [(one["state"], one["reason"]) for one in shown["refused"]] == [("quarantined", "source_rate")]


async def test_case_30_what_a_source_would_merge_is_released_link_by_link_and_in_bulk(house, slipped):
    client = await start(house, slipped)
    [some, *_] = await pages(client, f"{PATH}?limit=500")
    one = (await client.post(f"{PATH}/release", json={"hold_ids": [some["hold_id"]]})).json()
    assert (one["links"], len(one["change"]["merged"])) == (1, 1)
    dry = (await client.post(f"{PATH}/release", json={"source_id": 0, "dry_run": True})).json()
    assert (dry["links"], len(dry["change"]["merged"]), await joined(client)) == (PAIRS - MOST - 1,) * 2 + (MOST + 1,)
    done = (await client.post(f"{PATH}/release", json={"source_id": 0})).json()
    assert (done["links"], done["more"], await joined(client)) == (PAIRS - MOST - 1, False, PAIRS)
    gone = await pages(client, f"{PATH}?state=released&limit=500")
    assert {(one["reason"], one["author"][:4]) for one in gone} == {("source_rate", "key:")}
    assert (await client.get(f"{PATH}/causes")).json()["items"] == []
    # said once more, they are not held again
    again = [{**one, "id": f"again-{one['id']}"} for one in slipped]
    assert (await client.post("/v1/identity/evidence", json={"items": again})).status_code == 200
    assert (await joined(client), await pages(client, PATH + "?limit=500")) == (PAIRS, [])


async def test_case_30_what_a_source_would_merge_is_thrown_away_for_good(house, slipped):
    client = await start(house, slipped)
    done = (await client.post(f"{PATH}/throw-away", json={"source_id": 0})).json()
    assert (done["links"], done["more"], done["change"]["merged"]) == (PAIRS - MOST, False, [])
    again = [{**one, "id": f"again-{one['id']}"} for one in slipped]
    assert (await client.post("/v1/identity/evidence", json={"items": again})).status_code == 200
    assert (await joined(client), await pages(client, PATH + "?limit=500")) == (MOST, [])
    both = await client.post(f"{PATH}/throw-away", json={"source_id": 0, "identifier": customer(1)})
    assert both.status_code == 422


async def test_case_30_an_identifier_brings_along_what_waits_at_it_for_its_sources_rate(house, slipped):
    client = await start(house, slipped)
    word = {"identifier": customer(await one_that_waits(client))}
    done = (await client.post(f"{PATH}/release", json=word)).json()
    assert (done["links"], await joined(client)) == (1, MOST + 1)


async def test_case_30_what_is_posted_for_a_source_counts_towards_its_own_rate(house, slipped):
    client = await start(house, [])
    sources = []
    for key in ("crm", "till"):
        made = await client.post("/v1/identity/sources", json={"key": key, "name": key, "kind": "server"})
        sources.append(made.json()["source_id"])
    assert len({0, *sources}) == 3
    half = PAIRS // 2
    for source_id, some in zip((None, *sources), (slipped[:4], slipped[4:half], slipped[half:]), strict=True):
        body = {"items": some, **({"source_id": source_id} if source_id else {})}
        told = (await client.post("/v1/identity/evidence/preview", json=body)).json()
        assert told["links_quarantined"] == max(0, len(some) - MOST)
        assert (await client.post("/v1/identity/evidence", json=body)).status_code == 200
    assert await joined(client) == 4 + 2 * MOST
    causes = (await client.get(f"{PATH}/causes")).json()["items"]
    assert {(one["source_id"], one["links"]) for one in causes} == {
        (sources[0], half - 4 - MOST), (sources[1], half - MOST)
    }  # fmt: skip
    done = (await client.post(f"{PATH}/release", json={"source_id": sources[1]})).json()
    assert (done["links"], await joined(client)) == (half - MOST, 4 + MOST + half)
    foreign = await client.post("/v1/identity/evidence", json={"items": slipped, "source_id": 999_999})
    assert (foreign.status_code, foreign.json()["errors"][0]["pointer"]) == (422, "/source_id")
