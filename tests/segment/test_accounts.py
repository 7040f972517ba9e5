"""Accounts as conditions: links come from group calls and follow their owners, traits come from profile."""

PAID = [{"trait": "plan", "op": "equals", "value": "paid"}]


async def test_any_all_and_none_of_a_persons_accounts(stage):
    some, every, none = [
        await stage.segment({"account": word, "where": PAID}, name=word) for word in ("any", "all", "none")
    ]
    await stage.create("kim", "lea", "max")
    await stage.group("kim", "acme")
    await stage.group("lea", "acme")
    await stage.group("lea", "bolt")
    assert [await stage.members(one) for one in (some, every, none)] == [set(), set(), {"kim", "lea", "max"}]
    await stage.account("acme", "plan", "paid")
    assert [await stage.members(one) for one in (some, every, none)] == [{"kim", "lea"}, {"kim"}, {"max"}]
    assert {change[3] for change in await stage.changes() if change[2] == "entered" and change[0] == some} == {"trait"}
    await stage.account("bolt", "plan", "paid")
    assert await stage.members(every) == {"kim", "lea"}
    await stage.account("acme", "plan", None)
    assert [await stage.members(one) for one in (some, every, none)] == [{"lea"}, set(), {"kim", "max"}]
    await stage.assert_no_drift()


async def test_one_account_has_to_pass_every_filter(stage):
    both = await stage.segment(
        {"account": "any", "where": [*PAID, {"trait": ["size", "seats"], "op": "gte", "value": 50}]}
    )
    lacking = await stage.segment(
        {"account": "any", "where": [*PAID, {"trait": "owner", "op": "not_equals", "value": "x"}]}
    )
    await stage.group("kim", "acme")
    await stage.group("kim", "bolt")
    await stage.account("acme", "plan", "paid")
    await stage.account("bolt", "size", {"seats": 80})
    assert (await stage.members(both), await stage.members(lacking)) == (set(), {"kim"})
    await stage.account("acme", "size", {"seats": 50})
    assert await stage.members(both) == {"kim"}
    body = {"segment_id": both, "person_no": stage.person("kim")}
    explained = (await stage.app.client.post("/v1/segment/explain", json=body)).json()
    assert explained["conditions"][0]["value"] == "acme"


async def test_the_link_goes_with_the_identifier_through_merge_split_and_erasure(stage):
    paid = await stage.segment({"account": "any", "where": PAID})
    await stage.account("acme", "plan", "paid", personal=True)
    await stage.create("kim")
    await stage.group("lea", "acme")
    assert await stage.members(paid) == {"lea"}
    await stage.merge("kim", "lea")
    assert await stage.members(paid) == {"kim"}
    await stage.account("acme", "plan", "free")
    assert await stage.members(paid) == set()
    await stage.account("acme", "plan", "paid")
    assert await stage.members(paid) == {"kim"}
    await stage.split("kim", "lea", 1000 + stage.person("lea"))
    assert await stage.members(paid) == {"lea"}
    await stage.erase("lea")
    assert await stage.members(paid) == set()
    await stage.assert_no_drift()
