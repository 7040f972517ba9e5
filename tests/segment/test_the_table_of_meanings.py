"""`Meaning where products differ`: every row of the specification's table, through the whole service and its store."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.segment.neutral import a_stage_at

BOUGHT_WEEK = {"did": "bought", "window": {"last": "7 days"}}


async def found(stage, condition):
    """Return who meets a condition now, asked in full and person by person."""
    segment = await stage.segment(condition, name=str(condition)[:150])
    members = await stage.members(segment)
    assert {name for name in stage.names if await stage.ask(name, condition=condition)} == members
    return members


async def refused(stage, definition):
    body = {"name": "refused", "state": "live", "definition": definition}
    answer = await stage.app.client.post("/v1/segment/segments", json=body)
    assert answer.status_code == 422, answer.text
    return answer.json()["errors"]


@pytest.mark.parametrize(
    "test",
    [
        {"op": "not_equals", "value": "gold"},
        {"op": "not_in", "value": ["gold", "silver"]},
        {"op": "not_contains", "value": "gold"},
    ],
    ids=lambda test: test["op"],
)
async def test_the_negatives_are_true_on_a_missing_trait(stage, test):
    await stage.create("kim")
    await stage.trait("lea", "tier", "gold")
    await stage.trait("max", "tier", "iron")
    assert await found(stage, {"trait": "tier", **test}) == {"kim", "max"}
    narrowed = {"all": [{"trait": "tier", "op": "exists"}, {"trait": "tier", **test}]}
    assert await found(stage, narrowed) == {"max"}


async def test_any_other_comparison_is_false_on_a_missing_trait(stage):
    await stage.create("kim")
    tests = [
        {"op": "equals", "value": ""},
        {"op": "lt", "value": 10**9},
        {"op": "gte", "value": -9},
        {"op": "lte", "value": "\U0010ffff"},
        {"op": "between", "value": [-1, 1]},
        {"op": "in", "value": ["", 0, False]},
        {"op": "matches", "value": "^$"},
        {"op": "has_all", "value": []} | {"value": [""]},
        {"op": "before", "value": "2290-01-01"},
        {"op": "exists"},
    ]
    assert await found(stage, {"any": [{"trait": "x", **test} for test in tests]}) == set()


async def test_zero_times_and_fewer_than_n_include_who_has_no_event_at_all(stage):
    await stage.create("kim", "lea", "max", "noa")
    await stage.event("lea", "bought")
    await stage.event("max", "bought")
    await stage.event("max", "bought")
    await stage.erase("noa")
    del stage.names["noa"]
    assert await found(stage, {"did": "bought", "count": {"op": "equals", "n": 0}}) == {"kim"}
    assert await found(stage, {"did": "bought", "count": {"op": "lt", "n": 2}}) == {"kim", "lea"}
    assert await found(stage, {"none": [{"did": "bought"}]}) == {"kim"}


async def test_not_in_the_last_week_holds_for_a_person_two_days_old(stage):
    quiet = {"none": [BOUGHT_WEEK]}
    await stage.create("old")
    await stage.pass_time(days=6)
    await stage.create("young")
    await stage.pass_time(days=2)
    assert await found(stage, quiet) == {"old", "young"}
    assert await found(stage, {"all": [quiet, {"person": "older_than", "span": "7 days"}]}) == {"old"}


async def test_a_window_is_half_open_and_is_left_to_the_second(stage):
    segment = await stage.segment(BOUGHT_WEEK)
    start = stage.now
    await stage.event("kim", "bought", at=start - timedelta(days=7))
    await stage.event("lea", "bought", at=start - timedelta(days=7, microseconds=1))
    await stage.event("max", "bought")
    assert await stage.members(segment) == {"kim", "max"}
    await stage.clock(start + timedelta(seconds=1))
    assert await stage.members(segment) == {"max"}
    await stage.clock(start + timedelta(days=7))
    assert await stage.members(segment) == {"max"}
    await stage.clock(start + timedelta(days=7, seconds=1))
    assert await stage.members(segment) == set()


async def test_a_number_and_a_text_meet_as_numbers_where_the_text_is_one(stage):
    for name, value in {"kim": "8", "lea": "abc", "max": 8, "noa": "5.0"}.items():
        await stage.trait(name, "x", value)
    assert await found(stage, {"trait": "x", "op": "gt", "value": 5}) == {"kim", "max"}
    assert await found(stage, {"trait": "x", "op": "gt", "value": "5"}) == {"kim", "lea", "max", "noa"}
    assert await found(stage, {"trait": "x", "op": "equals", "value": 5}) == {"noa"}


async def test_an_empty_group_is_invalid_when_published_with_a_pointer_to_it(stage):
    for kind in ("all", "any", "none"):
        assert [error["pointer"] for error in await refused(stage, {kind: []})] == [f"/definition/{kind}"]
    errors = await refused(stage, {"all": [{"did": "x"}, {"any": []}]})
    assert [error["pointer"] for error in errors] == ["/definition/all/1/any"]
    assert [error["pointer"] for error in await refused(stage, {})] == ["/definition"]


async def test_a_late_event_counts_in_the_window_its_time_falls_in_on_arrival(stage):
    segment = await stage.segment(BOUGHT_WEEK)
    start = stage.now
    await stage.event("kim", "bought", at=start - timedelta(days=6))
    await stage.event("lea", "bought", at=start - timedelta(days=8))
    assert await stage.members(segment) == {"kim"}
    await stage.clock(start + timedelta(days=1, seconds=1))
    assert await stage.members(segment) == set()


async def test_an_edit_is_a_new_version_computed_aside_and_the_old_one_answers_until_then(stage):
    segment = await stage.segment({"trait": "age", "op": "gte", "value": 18})
    await stage.trait("kim", "age", 20)
    await stage.changes()
    url = f"/v1/segment/segments/{segment}"
    body = {"definition": {"trait": "age", "op": "gte", "value": 60}}
    edited = (await stage.app.client.patch(url, json=body)).json()
    assert (edited["version"], edited["live_version"]) == (2, 1)
    assert await stage.members(segment) == {"kim"}
    await stage.app.drain()
    assert (await stage.app.client.get(url)).json()["live_version"] == 2
    assert await stage.members(segment) == set()
    assert await stage.changes() == [(segment, "kim", "exited", "edit")]


async def test_an_unknown_name_is_valid_never_happened_and_is_warned_of(stage):
    await stage.create("kim")
    previewed = await stage.preview({"any": [{"did": "no such"}, {"trait": "no such", "op": "exists"}]})
    assert previewed["count"] == 0
    assert [warning["pointer"] for warning in previewed["warnings"]] == ["/definition/any/0", "/definition/any/1"]
    assert (await stage.preview({"none": [{"did": "no such"}]}))["count"] == 1


async def test_anonymous_persons_are_in_by_default_and_out_by_a_condition(stage):
    # who is anonymous is what profile and the caller know: nothing is told of him
    await stage.event("visitor", "seen")
    await stage.event("member", "seen")
    await stage.trait("member", "email", "m@example.com", personal=True)
    assert await found(stage, {"did": "seen"}) == {"visitor", "member"}
    assert await found(stage, {"all": [{"did": "seen"}, {"trait": "email", "op": "exists"}]}) == {"member"}


async def test_after_a_merge_the_loser_leaves_silently_and_the_winner_speaks_only_if_he_changed(stage):
    twice = await stage.segment({"did": "bought", "count": {"op": "gte", "n": 2}}, name="twice")
    once = await stage.segment({"did": "bought"}, name="once")
    await stage.event("kim", "bought")
    await stage.event("lea", "bought")
    await stage.changes()
    await stage.merge("kim", "lea")
    assert (await stage.members(twice), await stage.members(once)) == ({"kim"}, {"kim"})
    assert await stage.changes() == [(twice, "kim", "entered", "merge")]


async def test_empty_text_is_missing(stage):
    await stage.trait("kim", "note", "")
    await stage.trait("lea", "note", " ")
    assert await found(stage, {"trait": "note", "op": "missing"}) == {"kim"}
    await stage.event("kim", "seen", {"note": "", "other": None})
    assert await found(stage, {"did": "seen", "where": [{"prop": "note", "op": "exists"}]}) == set()
    assert await found(stage, {"did": "seen", "where": [{"prop": "other", "op": "missing"}]}) == {"kim"}


async def test_a_plain_value_is_a_list_of_one_where_a_list_operator_asks(stage):
    await stage.trait("kim", "likes", "tea")
    await stage.trait("lea", "likes", ["tea", "nuts"])
    assert await found(stage, {"trait": "likes", "op": "has_any", "value": ["tea"]}) == {"kim", "lea"}
    assert await found(stage, {"trait": "likes", "op": "has_all", "value": ["tea", "nuts"]}) == {"lea"}
    assert await found(stage, {"trait": "likes", "op": "has_none", "value": "nuts"}) == {"kim"}


async def test_texts_stand_by_code_point_and_case_is_folded_by_casefold(stage):
    for name, value in {"kim": "Zoe", "lea": "ähre", "max": "STRASSE"}.items():
        await stage.trait(name, "x", value)
    assert await found(stage, {"trait": "x", "op": "gt", "value": "a"}) == {"lea"}
    assert await found(stage, {"trait": "x", "op": "equals", "value": "straße", "ignore_case": True}) == {"max"}
    assert await found(stage, {"trait": "x", "op": "equals", "value": "straße"}) == set()


async def test_matches_searches_and_a_broken_pattern_is_refused(stage):
    await stage.trait("kim", "x", "My Blue kettle")
    await stage.trait("lea", "x", "blue")
    assert await found(stage, {"trait": "x", "op": "matches", "value": "Bl.e k"}) == {"kim"}
    assert await found(stage, {"trait": "x", "op": "matches", "value": "^blue$"}) == {"lea"}
    errors = await refused(stage, {"any": [{"trait": "x", "op": "matches", "value": "(?<=a)b"}]})
    assert [error["pointer"] for error in errors] == ["/definition/any/0/value"]


async def test_an_operator_that_does_not_fit_the_known_type_is_refused_and_later_values_of_another_are_false(stage):
    await stage.declare("age", "number")
    errors = await refused(stage, {"all": [{"trait": "age", "op": "starts_with", "value": "1"}]})
    assert [error["pointer"] for error in errors] == ["/definition/all/0/op"]
    assert "number" in errors[0]["detail"]
    segment = await stage.segment({"trait": "age", "op": "gte", "value": 18})
    await stage.trait("kim", "age", 20)
    await stage.trait("lea", "age", ["not", "a", "number"])
    assert await stage.members(segment) == {"kim"}
    await stage.declare("age", None)
    assert await found(stage, {"trait": "age", "op": "starts_with", "value": "2"}) == set()


async def test_weeks_start_on_monday_months_are_the_calendars_and_no_zone_is_the_workspaces(house):
    stage = await a_stage_at(house, "2024-03-31T12:00:00Z", "Nowhere/At-All")  # a Sunday; no such zone is UTC
    days = {"mon": "2024-03-25", "sun": "2024-03-24", "feb": "2024-02-29", "mar": "2024-03-01", "apr": "2024-04-01"}
    for name, day in days.items():
        await stage.trait(name, "at", day)
    in_period = {"trait": "at", "op": "in_period"}
    assert await found(stage, {**in_period, "period": "week"}) == {"mon"}
    assert await found(stage, {**in_period, "period": "month"}) == {"mon", "sun", "mar"}
    assert await found(stage, {**in_period, "period": "month", "offset": -1}) == {"feb"}
    await stage.trait("apr", "timezone", "Pacific/Kiritimati")  # two in the morning of 1 April there
    assert await found(stage, {**in_period, "period": "day", "zone": "person"}) == {"apr"}
    await stage.trait("apr", "timezone", "Mars/Base")
    assert await found(stage, {**in_period, "period": "day", "zone": "person"}) == set()


async def test_trait_names_are_literal_and_nested_access_is_a_path(stage):
    odd = "a.b c'\\ %_ 金"
    await stage.trait("kim", odd, 1)
    await stage.trait("lea", "a", {"b c'\\ %_ 金": 1})
    assert await found(stage, {"trait": odd, "op": "equals", "value": 1}) == {"kim"}
    assert await found(stage, {"trait": ["a", "b c'\\ %_ 金"], "op": "equals", "value": 1}) == {"lea"}


@pytest.mark.parametrize("text", ["%", "_", "'", "\\", "金卡", " ", "a%b_c'd\\e"])
async def test_text_with_signs_of_its_own_is_literal(stage, text):
    await stage.trait("kim", "x", f"<{text}>")
    await stage.trait("lea", "x", "<plain>")
    for op in ("contains", "matches"):
        value = text if op == "contains" else f"\\Q{text}\\E"
        assert await found(stage, {"trait": "x", "op": op, "value": value}) == {"kim"}
    assert await found(stage, {"trait": "x", "op": "starts_with", "value": f"<{text}"}) == {"kim"}


async def test_the_clock_of_these_tests_is_driven(stage):
    assert stage.now > datetime(2020, 1, 1, tzinfo=UTC)
    before = stage.now
    await stage.pass_time(hours=1)
    assert stage.now == before + timedelta(hours=1)
