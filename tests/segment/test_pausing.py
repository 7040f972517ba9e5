"""A paused segment keeps its members and says nothing; resumed, it catches up and says so."""

import importlib
from datetime import timedelta

import pytest

from libs.common.db import statement
from services.segment.store import memberships
from services.segment.store.snapshots import taken
from tests.segment.migrating import upgrade_again
from tests.segment.stage import WORKSPACE
from tests.segment.test_reconcile import reconcile, without_record
from tests.segment.test_snapshots import snapshot

migration = importlib.import_module("services.segment.migrations.versions.0012_kept_when_paused")

BOUGHT = {"did": "bought", "window": {"last": "7 days"}}


async def patch(stage, segment, status=200, **body):
    answer = await stage.app.client.patch(f"/v1/segment/segments/{segment}", json=body)
    assert answer.status_code == status, answer.text
    await stage.app.drain(1)
    return answer.json()


async def shown(stage, segment):
    return (await stage.app.client.get(f"/v1/segment/segments/{segment}")).json()


async def a_paused_segment(stage):
    segment = await stage.segment(BOUGHT)
    for name in ("kim", "lea"):
        await stage.event(name, "bought")
    assert (await patch(stage, segment, state="paused"))["state"] == "paused"
    await stage.changes()
    return segment


async def test_a_paused_segment_keeps_its_members_whatever_comes_and_time_passes(stage):
    segment = await a_paused_segment(stage)
    await stage.event("max", "bought")
    await stage.pass_time(days=6)
    await stage.event("kim", "bought")
    await stage.pass_time(days=2)
    assert await stage.members(segment) == {"kim", "lea"}
    assert await stage.changes() == []
    assert await stage.ask("lea", segment_id=segment) and not await stage.ask("max", segment_id=segment)
    body = {"segment_id": segment, "person_no": stage.person("lea")}
    explained = (await stage.app.client.post("/v1/segment/explain", json=body)).json()
    assert (explained["member"], explained["paused"]) == (True, True)
    assert (await stage.preview({"in_segment": segment}))["count"] == 2
    assert (await shown(stage, segment))["size"] == 2
    listed = await stage.app.client.get("/v1/segment/segments", params={"state": "paused"})
    assert [one["segment_id"] for one in listed.json()["items"]] == [segment]


async def test_resumed_it_catches_up_and_says_why(stage):
    segment = await a_paused_segment(stage)
    await stage.event("max", "bought", at=stage.now + timedelta(days=7))
    await stage.pass_time(days=8)
    assert (await patch(stage, segment, state="live"))["state"] == "live"
    assert await stage.members(segment) == {"max"}
    assert sorted(await stage.changes()) == [
        (segment, "kim", "exited", "reconcile"),
        (segment, "lea", "exited", "reconcile"),
        (segment, "max", "entered", "reconcile"),
    ]
    await stage.event("noa", "bought")
    assert await stage.changes() == [(segment, "noa", "entered", "event")]
    await stage.assert_no_drift()


async def test_the_survivor_of_a_member_is_one_without_a_word(stage):
    segment = await a_paused_segment(stage)
    outer = await stage.segment({"in_segment": segment})
    await stage.event("max", "seen")
    await stage.changes()
    await stage.merge("max", "lea")
    assert await stage.members(segment) == {"kim", "max"} == await stage.members(outer)
    assert [await stage.ask(one, segment_id=segment) for one in ("lea", "max")] == [True, True]
    assert await stage.changes() == [(outer, "max", "entered", "merge")], "who refers to it is not paused"
    assert (await shown(stage, segment))["size"] == 2
    await stage.merge("noa", "max")
    assert await stage.members(segment) == {"kim", "noa"}
    await stage.merge("kim", "noa")
    assert await stage.members(segment) == {"kim"}
    await stage.changes()
    await patch(stage, segment, state="live")
    assert await stage.members(segment) == {"kim"}
    assert await stage.changes() == [], "it is he who entered"
    await stage.assert_no_drift()


async def test_resumed_it_goes_by_the_definition_whoever_was_merged(stage):
    segment = await a_paused_segment(stage)
    await stage.event("max", "seen")
    await stage.merge("max", "lea")
    await stage.pass_time(days=8)
    assert await stage.members(segment) == {"kim", "max"}
    await patch(stage, segment, state="live")
    assert await stage.members(segment) == set()
    assert sorted(await stage.changes()) == [
        (segment, "kim", "exited", "reconcile"),
        (segment, "max", "exited", "reconcile"),
    ]
    await stage.event("noa", "bought")
    await stage.merge("max", "noa")
    await stage.changes()
    await stage.split("max", "noa", 1000 + stage.person("noa"))
    assert await stage.members(segment) == {"noa"}, "nothing is left of whom it had when it was paused"
    await stage.assert_no_drift()


async def test_the_undoing_of_a_merge_while_it_is_paused_gives_it_its_member_back(stage):
    segment = await a_paused_segment(stage)
    await stage.event("max", "bought")
    await stage.merge("max", "lea")
    await stage.split("max", "lea", 1000 + stage.person("lea"))
    assert await stage.members(segment) == {"kim", "lea"}
    assert [await stage.ask(one, segment_id=segment) for one in ("lea", "max")] == [True, False]
    assert await stage.changes() == []
    await patch(stage, segment, state="live")
    assert await stage.changes() == [(segment, "max", "entered", "reconcile")]


async def test_of_whom_a_merge_of_before_the_pausing_is_undone_he_who_was_the_member_stays(stage):
    segment = await stage.segment(BOUGHT)
    await stage.event("kim", "seen")
    await stage.event("lea", "bought")
    await stage.merge("kim", "lea")
    await patch(stage, segment, state="paused")
    await stage.changes()
    await stage.split("kim", "lea", 1000 + stage.person("lea"))
    assert await stage.members(segment) == {"kim"}
    assert await stage.changes() == []
    await patch(stage, segment, state="live")
    assert await stage.members(segment) == {"lea"}
    assert sorted(await stage.changes()) == [
        (segment, "kim", "exited", "reconcile"),
        (segment, "lea", "entered", "reconcile"),
    ]


async def test_who_is_erased_while_it_is_paused_leaves_without_a_word_whoever_he_had_become(stage):
    segment = await a_paused_segment(stage)
    await stage.merge("max", "lea")
    await stage.erase("max")
    assert await stage.members(segment) == {"kim"}
    assert await stage.changes() == []
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        kept = await taken(tx, WORKSPACE)
    assert [set(one) for one in kept.values()] == [{stage.person("kim")}]
    await stage.erase("kim")
    assert await stage.members(segment) == set()


async def test_paused_once_more_before_it_was_computed_it_is_of_whom_it_had_at_first(stage):
    segment = await a_paused_segment(stage)
    await stage.merge("max", "lea")
    for state in ("live", "paused"):
        body = {"state": state}
        assert (await stage.app.client.patch(f"/v1/segment/segments/{segment}", json=body)).status_code == 200
    await stage.app.drain(1)
    assert await stage.members(segment) == {"kim", "max"}
    await stage.split("max", "lea", 1000 + stage.person("lea"))
    assert await stage.members(segment) == {"kim", "lea"}


async def test_a_snapshot_of_a_paused_one_is_of_whom_that_had_when_it_was_paused(stage):
    segment = await a_paused_segment(stage)
    await stage.merge("max", "lea")
    frozen = await snapshot(stage, segment)
    assert await stage.members(frozen) == {"kim", "max"}
    await stage.split("max", "lea", 1000 + stage.person("lea"))
    assert await stage.members(frozen) == {"kim", "lea"}


async def test_what_was_paused_by_a_version_of_before_is_of_who_is_in_it(stage, monkeypatch):
    segment = await a_paused_segment(stage)
    await stage.segment(BOUGHT)
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        await tx.execute(statement("delete from segment.snapshot_chunk"))
    await upgrade_again(stage, migration, monkeypatch)
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        assert {str(one): set(whom) for one, whom in (await taken(tx, WORKSPACE)).items()} == {segment: {1, 2}}
        await memberships.disturb(tx, WORKSPACE)
    await stage.merge("max", "lea")
    assert await stage.members(segment) == {"kim", "max"}


async def test_an_edit_and_lists_wait_until_it_is_resumed(stage):
    segment = await a_paused_segment(stage)
    await stage.create("noa")
    lists = {"include": [stage.person("noa")], "exclude": []}
    answer = await stage.app.client.put(f"/v1/segment/segments/{segment}/lists", json=lists)
    assert answer.status_code in (200, 204), answer.text
    await stage.app.drain(1)
    edited = await patch(stage, segment, definition={**BOUGHT, "count": {"op": "gte", "n": 2}})
    assert (edited["state"], edited["version"], edited["live_version"]) == ("paused", 2, 1)
    assert await stage.members(segment) == {"kim", "lea"}
    assert await stage.changes() == []
    await patch(stage, segment, state="live")
    assert await stage.members(segment) == {"noa"}
    assert {cause for _, _, _, cause in await stage.changes()} == {"edit"}
    assert (await shown(stage, segment))["live_version"] == 2


async def test_nothing_of_the_workspace_makes_it_be_asked(stage, monkeypatch):
    without_record(monkeypatch, {})
    segment = await a_paused_segment(stage)
    await stage.pass_time(days=8)
    await reconcile(stage)
    assert await stage.members(segment) == {"kim", "lea"}
    assert await stage.changes() == []


async def test_it_is_deleted_like_a_live_one(stage):
    segment = await a_paused_segment(stage)
    assert (await stage.app.client.delete(f"/v1/segment/segments/{segment}")).status_code == 204
    await stage.app.drain(1)
    assert sorted(await stage.changes()) == [(segment, "kim", "exited", "edit"), (segment, "lea", "exited", "edit")]


@pytest.mark.parametrize(("state", "to"), [("draft", "paused"), ("paused", "draft")])
async def test_a_draft_is_not_paused_and_what_is_paused_becomes_no_draft(stage, state, to):
    segment = await a_paused_segment(stage) if state == "paused" else await stage.segment(BOUGHT, state="draft")
    await patch(stage, segment, 409, state=to)
    assert (await shown(stage, segment))["state"] == state


async def test_what_is_paused_may_be_edited_to_what_may_be_published_alone(stage):
    segment = await a_paused_segment(stage)
    refused = await patch(stage, segment, 422, definition={"all": []})
    assert [one["pointer"] for one in refused["errors"]] == ["/definition/all"]
    assert (await patch(stage, segment, name="other"))["name"] == "other"
    assert (await patch(stage, segment, state="paused"))["version"] == 1
