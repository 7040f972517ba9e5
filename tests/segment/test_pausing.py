"""A paused segment keeps its members and says nothing; resumed, it catches up and says so."""

from datetime import timedelta

import pytest

from tests.segment.test_reconcile import reconcile, without_record

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


async def test_who_is_merged_or_erased_meanwhile_leaves_without_a_word(stage):
    segment = await a_paused_segment(stage)
    await stage.event("max", "bought")
    await stage.merge("max", "lea")
    assert await stage.members(segment) == {"kim"}
    assert await stage.changes() == []
    await patch(stage, segment, state="live")
    assert await stage.changes() == [(segment, "max", "entered", "reconcile")]
    await patch(stage, segment, state="paused")
    await stage.erase("kim")
    assert await stage.members(segment) == {"max"}


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
