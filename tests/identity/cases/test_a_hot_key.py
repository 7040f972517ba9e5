"""Case 29: what is seen of a hub while the background looks at it again."""

from typing import Any

PHONE = {"namespace": "phone", "value": "+8613912345678", "scope": ""}
CROWD = 8


def user(number: int) -> dict[str, str]:
    return {"namespace": "user_id", "value": f"user-{number}", "scope": "shop"}


async def phone_of(client) -> dict[str, Any]:
    query = {"namespace": "phone", "value": PHONE["value"]}
    person = (await client.get("/v1/identity/persons/by-identifier", params=query)).json()
    [phone] = [one for one in person["identifiers"] if one["namespace"] == "phone"]
    return {"state": phone["state"], "links": {(one["state"], one["reason"]) for one in person["refused"]}}


async def test_case_29_a_person_shows_that_his_phone_is_settling(house):
    identity = await house.start("identity")
    client = identity.client
    facts = [{"kind": "login", "tier": 1, "identifiers": [user(number), PHONE]} for number in range(CROWD)]
    assert (await client.post("/v1/identity/evidence", json={"items": facts})).status_code == 200
    assert await phone_of(client) == {"state": "shared", "links": {("shared", "hub")}}
    raised = {"namespaces": {"phone": {"priority": 3, "max_per_person": 5, "window_days": 1095, "hub_threshold": 50}}}
    # While the clock is held the background looks at nothing.
    await identity.put_clock(identity.runtime.now(1), held=True)
    assert (await client.put("/v1/identity/policies", json=raised)).status_code == 200
    assert await phone_of(client) == {"state": "shared(settling)", "links": {("shared", "settling")}}
    why = (await client.post("/v1/identity/why-not", json={"a": user(1), "b": PHONE})).json()
    assert [(one["state"], one["reason"]) for one in why["links"]] == [("shared", "settling")]
    await identity.put_clock(identity.runtime.now(1), held=False)
    await identity.drain()
    settled = await phone_of(client)
    assert settled["state"] == "active"
    assert settled["links"] == {("suppressed", "limit:user_id")}
