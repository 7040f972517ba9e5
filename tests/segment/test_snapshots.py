"""Snapshots: whom they were taken of, and who that is now, however it is asked."""


async def snapshot(stage, segment_id, name="As of today"):
    answer = await stage.app.client.post(f"/v1/segment/segments/{segment_id}/snapshot", json={"name": name})
    assert answer.status_code == 201, answer.text
    return answer.json()["segment_id"]


async def explain(stage, person, **subject):
    body = {"person_no": stage.person(person), **subject}
    answer = await stage.app.client.post("/v1/segment/explain", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_snapshot_is_asked_for_its_members_wherever_it_is_named(stage):
    buyers = await stage.segment({"did": "bought"})
    await stage.event("kim", "bought")
    await stage.event("lea", "seen")
    frozen = await snapshot(stage, buyers)
    outer = await stage.segment({"all": [{"in_segment": frozen}, {"did": "bought"}]})
    outside = await stage.segment({"not_in_segment": frozen})
    await stage.event("lea", "bought")
    assert [await stage.ask(one, segment_id=frozen) for one in ("kim", "lea")] == [True, False]
    assert [await stage.ask(one, condition={"in_segment": frozen}) for one in ("kim", "lea")] == [True, False]
    assert [await stage.ask(one, segment_id=outer) for one in ("kim", "lea")] == [True, False]
    assert [await stage.ask(one, segment_id=outside) for one in ("kim", "lea")] == [False, True]
    previews = [await stage.preview(one) for one in ({"in_segment": frozen}, {"not_in_segment": frozen})]
    assert [[one["person_no"] for one in each["sample"]] for each in previews] == [[1], [2]]
    await stage.assert_no_drift()


async def test_an_explanation_names_what_a_snapshot_was_taken_of(stage):
    buyers = await stage.segment({"did": "bought"})
    await stage.event("kim", "bought")
    await stage.event("lea", "seen")
    frozen = await snapshot(stage, buyers)
    for person, member in (("kim", True), ("lea", False)):
        explained = await explain(stage, person, segment_id=frozen)
        assert (explained["member"], explained["snapshot_of"], explained["conditions"]) == (member, buyers, [])
        (condition,) = (await explain(stage, person, definition={"in_segment": frozen}))["conditions"]
        assert condition["holds"] is member
    assert (await explain(stage, "kim", segment_id=buyers))["snapshot_of"] is None
