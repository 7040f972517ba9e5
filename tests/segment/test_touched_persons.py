"""The engine end to end in one service: events, traits, the graph and time move memberships."""

from datetime import timedelta

AGED = {"trait": "age", "op": "gte", "value": 18}
BOUGHT_WEEK = {"did": "bought", "count": {"op": "gte", "n": 2}, "window": {"last": "7 days"}}
QUIET = {"none": [{"did": "bought", "window": {"last": "7 days"}}]}


async def test_an_event_brings_a_person_in_with_its_cause(stage):
    segment = await stage.segment(BOUGHT_WEEK)
    await stage.event("kim", "bought")
    assert await stage.members(segment) == set()
    await stage.event("kim", "bought")
    assert await stage.members(segment) == {"kim"}
    assert await stage.changes() == [(segment, "kim", "entered", "event")]


async def test_a_person_leaves_when_the_window_closes_to_the_second(stage):
    segment = await stage.segment({"did": "bought", "window": {"last": "7 days"}})
    start = stage.now
    await stage.event("kim", "bought")
    await stage.clock(start + timedelta(days=7))
    assert await stage.members(segment) == {"kim"}
    await stage.clock(start + timedelta(days=7, seconds=1))
    assert await stage.members(segment) == set()
    assert [change[2:] for change in await stage.changes()] == [("entered", "event"), ("exited", "time")]


async def test_an_event_stamped_in_the_future_counts_when_its_time_comes(stage):
    segment = await stage.segment({"did": "bought", "window": {"last": "1 hour"}})
    await stage.event("kim", "bought", at=stage.now + timedelta(hours=3))
    assert await stage.members(segment) == set()
    await stage.pass_time(hours=3)
    assert await stage.members(segment) == {"kim"}
    await stage.pass_time(hours=1, seconds=1)
    assert await stage.members(segment) == set()


async def test_who_has_done_nothing_is_in_a_lone_negation(stage):
    segment = await stage.segment(QUIET)
    await stage.create("kim", "lea")
    await stage.event("kim", "bought")
    assert await stage.members(segment) == {"lea"}
    await stage.pass_time(days=8)
    assert await stage.members(segment) == {"kim", "lea"}


async def test_a_merge_shows_at_once_and_the_loser_leaves_silently(stage):
    segment = await stage.segment(BOUGHT_WEEK)
    never = await stage.segment({"did": "bought", "count": {"op": "equals", "n": 1}})
    await stage.event("kim", "bought")
    await stage.event("lea", "bought")
    assert await stage.members(never) == {"kim", "lea"}
    await stage.changes()
    await stage.merge("kim", "lea")
    assert await stage.members(segment) == {"kim"}
    assert await stage.members(never) == set()
    assert sorted(await stage.changes()) == sorted(
        [(segment, "kim", "entered", "merge"), (never, "kim", "exited", "merge")]
    )
    await stage.event("lea", "bought")  # a late event under the old number
    assert await stage.preview({"did": "bought", "count": {"op": "equals", "n": 3}}) | {} != {}
    assert (await stage.preview({"did": "bought", "count": {"op": "equals", "n": 3}}))["count"] == 1
    await stage.assert_no_drift()


async def test_an_unmerge_restores_memberships_silently(stage):
    once = await stage.segment({"did": "bought", "count": {"op": "equals", "n": 1}})
    await stage.event("kim", "bought")
    await stage.event("lea", "bought")
    await stage.merge("kim", "lea")
    await stage.changes()
    await stage.split("kim", "lea", 1000 + stage.person("lea"))
    assert await stage.members(once) == {"kim", "lea"}
    assert await stage.changes() == [(once, "kim", "entered", "split")]
    await stage.assert_no_drift()


async def test_an_identifier_that_moves_takes_its_events_along(stage):
    segment = await stage.segment({"did": "bought", "count": {"op": "gte", "n": 1}})
    await stage.event("kim", "bought", subject=77)
    await stage.create("lea")
    await stage.own(77, "lea")
    assert await stage.members(segment) == {"lea"}
    await stage.event("kim", "seen", subject=77)
    assert await stage.members(segment) == {"lea"}


async def test_an_erased_person_is_nowhere(stage):
    segment = await stage.segment({"any": [AGED, {"did": "bought"}]})
    await stage.trait("kim", "age", 44)
    await stage.event("kim", "bought")
    await stage.event("lea", "bought")
    await stage.erase("kim")
    assert await stage.members(segment) == {"lea"}
    parts = stage.app.runtime.parts
    assert await parts.columnar.rows("select count() as n from event", {}) == [{"n": 1}]
    assert await parts.columnar.rows("select count() as n from trait", {}) == [{"n": 0}]


async def test_a_personal_trait_is_asked_like_any_other(stage):
    segment = await stage.segment({"trait": "email", "op": "ends_with", "value": "@example.com"})
    await stage.trait("kim", "email", "kim@example.com", personal=True)
    await stage.trait("lea", "email", "lea@example.org", personal=True)
    assert await stage.members(segment) == {"kim"}
    await stage.trait("kim", "email", None)
    assert await stage.members(segment) == set(), "profile never says of which kind a trait was that is gone"


async def test_an_edit_is_computed_aside_and_told_as_edit(stage):
    segment = await stage.segment(AGED)
    await stage.trait("kim", "age", 20)
    await stage.trait("lea", "age", 70)
    await stage.changes()
    definition = {"trait": "age", "op": "gte", "value": 60}
    answer = await stage.app.client.patch(f"/v1/segment/segments/{segment}", json={"definition": definition})
    assert answer.json()["version"] == 2
    await stage.app.drain()
    assert await stage.members(segment) == {"lea"}
    assert await stage.changes() == [(segment, "kim", "exited", "edit")]


async def test_a_backfill_finds_everybody_and_says_so(stage):
    await stage.trait("kim", "age", 20)
    segment = await stage.segment(AGED)
    assert await stage.members(segment) == {"kim"}
    assert await stage.changes() == [(segment, "kim", "entered", "backfill")]


async def test_segments_of_segments_follow_in_the_same_round(stage):
    adults = await stage.segment(AGED)
    buyers = await stage.segment({"all": [{"in_segment": adults}, {"did": "bought"}]})
    others = await stage.segment({"not_in_segment": buyers})
    await stage.event("kim", "bought")
    assert (await stage.members(buyers), await stage.members(others)) == (set(), {"kim"})
    await stage.trait("kim", "age", 20)
    assert (await stage.members(buyers), await stage.members(others)) == ({"kim"}, set())
    refused = await stage.app.client.delete(f"/v1/segment/segments/{adults}")
    assert refused.status_code == 409
    cycle = await stage.app.client.patch(f"/v1/segment/segments/{adults}", json={"definition": {"in_segment": others}})
    assert cycle.status_code == 422 and cycle.json()["errors"][0]["pointer"] == "/definition"


async def test_hand_made_lists_win_and_show_as_the_reason(stage):
    segment = await stage.segment(AGED)
    await stage.trait("kim", "age", 20)
    await stage.create("lea")
    lists = {"include": [stage.person("lea")], "exclude": [stage.person("kim")]}
    assert (await stage.app.client.put(f"/v1/segment/segments/{segment}/lists", json=lists)).status_code == 204
    await stage.app.drain()
    assert await stage.members(segment) == {"lea"}
    body = {"segment_id": segment, "person_no": stage.person("kim")}
    explained = (await stage.app.client.post("/v1/segment/explain", json=body)).json()
    assert explained == {
        "member": False,
        "manual": "exclude",
        "snapshot_of": None,
        "trouble": "",
        "paused": False,
        "conditions": [{"pointer": "", "holds": True, "value": "20", "masked": False, "events": []}],
    }
    await stage.trait("kim", "age", 21)
    assert await stage.members(segment) == {"lea"}
