"""Who had a device while it was nobody's owns no identifier; by his id he is not merged or erased."""

from datetime import timedelta

COOKIE = {"namespace": "cookie", "scope": "", "value": "visitor-1"}


async def two_of_a_cookie(identity, house) -> tuple[str, str]:
    """Return the anonymous person of a cookie that was used long before its first log-in, and who logged in."""
    for number, (days, more) in enumerate([(90, {}), (1, {"userId": "anna-1"})]):
        at = (house.now - timedelta(days=days)).isoformat()
        call = {"type": "track", "event": "Looked", "anonymousId": COOKIE["value"], "messageId": f"m-{number}"}
        body = {"batch": [{**call, **more, "timestamp": at}]}
        answer = await identity.client.post("/v1/batch", json=body, auth=(house.write_key, ""))
        assert answer.status_code == 200, answer.text
        await identity.drain()
    owned = (await identity.client.get("/v1/identity/identifiers/history", params=COOKIE)).json()["owners"]
    anna = (await identity.client.get("/v1/identity/persons/by-identifier", params=COOKIE)).json()["person_id"]
    [anonymous] = {one["person_id"] for one in owned} - {anna}
    return anonymous, anna


async def test_an_anonymous_person_is_not_merged_or_erased_by_his_id(house):
    identity = await house.start("identity")
    anonymous, anna = await two_of_a_cookie(identity, house)
    found = (await identity.client.get(f"/v1/identity/persons/{anonymous}")).json()
    assert (found["canonical_id"], found["identifiers"]) == (anonymous, [])
    for pair in ([anonymous, anna], [anna, anonymous]):
        answer = await identity.client.post("/v1/identity/persons/merge", json={"person_ids": pair})
        assert (answer.status_code, answer.json()["type"].split(":")[-1]) == (409, "no_identifier")
        assert answer.json()["errors"][0]["pointer"] == f"/person_ids/{pair.index(anonymous)}"
    answer = await identity.client.post(f"/v1/identity/persons/{anonymous}/erase", json={})
    assert (answer.status_code, answer.json()["type"].split(":")[-1]) == (409, "no_identifier")


async def test_he_and_what_he_did_go_with_the_device(house):
    identity = await house.start("identity")
    anonymous, anna = await two_of_a_cookie(identity, house)
    erased = await identity.client.post(f"/v1/identity/persons/{anna}/erase", json={})
    assert (erased.status_code, erased.json()["counts"]["events"]) == (200, 2), erased.text
    assert (await identity.client.get(f"/v1/identity/persons/{anonymous}")).status_code == 410
