"""Snapshots: whom they were taken of, and who that is now, however it is asked."""

import importlib

import asyncpg

from services.segment.store.snapshots import taken
from tests.segment.stage import WORKSPACE

migration = importlib.import_module("services.segment.migrations.versions.0009_snapshots")


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


async def test_the_undoing_of_a_merge_gives_a_snapshot_its_person_back(stage):
    buyers = await stage.segment({"did": "bought"})
    await stage.event("kim", "bought")
    await stage.event("lea", "seen")
    frozen = await snapshot(stage, buyers)
    inside = await stage.segment({"in_segment": frozen})
    await stage.changes()
    await stage.merge("lea", "kim")
    assert await stage.members(frozen) == {"lea"} == await stage.members(inside)
    assert await stage.ask("kim", segment_id=frozen), "he is lea now"
    assert [one[1:] for one in await stage.changes() if one[0] == frozen] == [("lea", "entered", "merge")]
    await stage.split("lea", "kim", 1000 + stage.person("kim"))
    assert await stage.members(frozen) == {"kim"} == await stage.members(inside)
    assert [await stage.ask(one, segment_id=frozen) for one in ("kim", "lea")] == [True, False]
    assert [one[1:] for one in await stage.changes() if one[0] == frozen] == [("lea", "exited", "split")]


async def test_who_was_taken_himself_stays_when_a_merge_is_undone(stage):
    buyers = await stage.segment({"did": "bought"})
    await stage.event("kim", "bought")
    await stage.event("lea", "bought")
    await stage.event("max", "seen")
    frozen = await snapshot(stage, buyers)
    again = await snapshot(stage, frozen, "The same")
    await stage.merge("max", "kim", "lea")
    later = await snapshot(stage, frozen, "Of the snapshot, after the merge")
    assert [await stage.members(one) for one in (frozen, again, later)] == [{"max"}] * 3
    await stage.split("max", "kim", 1000 + stage.person("kim"))
    assert [await stage.members(one) for one in (frozen, again, later)] == [{"kim", "max"}] * 3
    await stage.split("max", "lea", 1000 + stage.person("lea"))
    assert [await stage.members(one) for one in (frozen, again, later)] == [{"kim", "lea"}] * 3


async def test_the_erased_are_in_no_snapshot_whoever_they_had_become(stage):
    buyers = await stage.segment({"did": "bought"})
    await stage.event("kim", "bought")
    await stage.event("lea", "bought")
    frozen = await snapshot(stage, buyers)
    await stage.merge("max", "kim")
    await stage.erase("max")
    assert await stage.members(frozen) == {"lea"}
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        kept = await taken(tx, WORKSPACE)
    assert [set(one) for one in kept.values()] == [{stage.person("lea")}], "nothing is left of whom it was taken of"


async def test_a_snapshot_from_before_is_of_whom_is_in_it(stage):
    buyers = await stage.segment({"did": "bought"})
    await stage.event("kim", "bought")
    frozen = await snapshot(stage, buyers)
    admin = await asyncpg.connect(stage.app.database.admin_url)
    try:
        await admin.execute("delete from segment.snapshot_chunk")
        await admin.execute(migration.TAKEN)
        kept = await admin.fetch("select segment_id::text from segment.snapshot_chunk")
    finally:
        await admin.close()
    assert [row["segment_id"] for row in kept] == [frozen], "of no segment that is asked"
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        assert [set(one) for one in (await taken(tx, WORKSPACE)).values()] == [{stage.person("kim")}]
