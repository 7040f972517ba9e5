"""An explanation shows the evidence of a link wherever it was filed: policies move the middle of what was said."""

from datetime import timedelta

from tests.identity.graph.test_persons_over_http import ANNA, BEN, CRM, EMAIL, PHONE, say

EARLIER = {"id": "visit-1", "time": "2026-02-01T00:00:00Z"}
LATER = {"id": "visit-2", "time": "2026-02-02T00:00:00Z"}


async def test_a_link_that_other_policies_make_of_evidence_is_explained_by_it(house):
    identity = await house.start("identity")
    await say(identity.client, ANNA, EMAIL, PHONE, **EARLIER)
    await say(identity.client, ANNA, EMAIL, **LATER)
    stronger = {"namespaces": {"email": {"priority": 1}, "user_id": {"priority": 7}, "phone": {"priority": 8}}}
    assert (await identity.client.put("/v1/identity/policies", json=stronger)).status_code == 200
    await identity.drain()
    told = (await identity.client.post("/v1/identity/explain", json={"a": EMAIL, "b": PHONE})).json()
    assert told["one_person"]
    [link] = told["links"]
    assert {link["a"]["namespace"], link["b"]["namespace"]} == {"email", "phone"}
    assert [one["event_time"] for one in link["evidence"]] == [EARLIER["time"]]
    [direct] = (await identity.client.post("/v1/identity/explain", json={"a": ANNA, "b": EMAIL})).json()["links"]
    assert [one["event_time"] for one in direct["evidence"]] == [EARLIER["time"], LATER["time"]]


async def test_what_keeps_three_apart_is_shown_of_each_two(house):
    identity = await house.start("identity")
    client = identity.client
    await say(client, CRM, EMAIL, PHONE, kind="cannot_link", tier=0, id="three")
    await identity.put_clock(house.now + timedelta(hours=1), held=False)
    await say(client, EMAIL, PHONE, tier=2, id="both")
    told = (await client.post("/v1/identity/why-not", json={"a": EMAIL, "b": PHONE})).json()
    [link] = told["links"]
    assert (link["reason"], link["refused_count"]) == ("cannot_link", 1)
    assert {one["kind"] for one in link["evidence"]} == {"cannot_link", "login"}


async def test_evidence_about_others_explains_no_link(house):
    client = (await house.start("identity")).client
    await say(client, ANNA, EMAIL, PHONE, id="all")
    await say(client, BEN, PHONE, tier=2, id="ben")
    [link] = (await client.post("/v1/identity/explain", json={"a": ANNA, "b": PHONE})).json()["links"]
    assert len(link["evidence"]) == link["evidence_count"] == 1
