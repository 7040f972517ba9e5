"""What could not be taken is looked at, mended, tried again or given up; and the totals always add up."""

import asyncio
import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.db import statement
from services.identity.domain.repair import Repair, mend
from services.identity.jobs import run_imports
from services.identity.usecases.issue_key import issue_key
from tests.identity.collection.conftest import Door


async def quarantined(door: Door, *bad: dict[str, Any]) -> list[dict[str, Any]]:
    await door.post("batch", {"batch": list(bad)})
    answer = await door.ask("GET", "/v1/identity/quarantine")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def reconciled(door: Door) -> dict[str, int]:
    answer = (await door.ask("GET", "/v1/identity/usage")).json()
    assert answer["reconciled"], answer
    totals: dict[str, int] = answer["totals"]
    return totals


async def test_a_held_call_shows_its_reason_its_pointer_and_itself(door: Door) -> None:
    [held] = await quarantined(door, {"type": "track", "userId": "u", "properties": {"email": "a@b.cn"}})
    assert (held["reason"], held["pointer"], held["status"]) == ("no_event_name", "/event", "held")
    assert held["body"]["properties"] == {"email": "a@b.cn"}


async def test_what_only_we_say_is_held_and_taken_under_another_name(door: Door) -> None:
    said = {"type": "track", "userId": "u", "event": "$journey_entered", "messageId": "m1"}
    [held] = await quarantined(door, said, {**said, "event": "Entered", "messageId": "m2"})
    assert (held["reason"], held["pointer"]) == ("reserved_event_name", "/event")
    ids = [held["quarantine_id"]]
    same = (await door.ask("POST", "/v1/identity/quarantine/replay", json={"ids": ids})).json()
    assert same["still_held"][0]["reason"] == "reserved_event_name"
    renamed = {"ids": ids, "set": {"/event": "Welcomed"}}
    answer = (await door.ask("POST", "/v1/identity/quarantine/replay", json=renamed)).json()
    assert answer["outcomes"] == {ids[0]: "accepted"}
    names = await door.rows("select name from event_log order by name")
    assert [row["name"] for row in names] == ["Entered", "Welcomed"]
    await reconciled(door)


async def test_a_mended_call_is_taken_and_the_totals_still_add_up(door: Door) -> None:
    call = {"type": "track", "user": {"id": "u1"}, "action": "Seen", "messageId": "m1"}
    [held] = await quarantined(door, call)
    ids = [held["quarantine_id"]]
    half = {"ids": ids, "move": {"/action": "/event"}}
    answer = (await door.ask("POST", "/v1/identity/quarantine/replay", json=half)).json()
    assert (answer["outcomes"], answer["still_held"][0]["reason"]) == ({}, "no_identifier")
    repair = {"ids": ids, "move": {"/action": "/event", "/user/id": "/userId"}, "remove": ["/user"]}
    dry = (await door.ask("POST", "/v1/identity/quarantine/replay", json={**repair, "dry_run": True})).json()
    assert dry["outcomes"] == {ids[0]: "can_be_taken"}
    assert await door.rows("select 1 from event_log") == []
    answer = (await door.ask("POST", "/v1/identity/quarantine/replay", json=repair)).json()
    assert answer["outcomes"] == {ids[0]: "accepted"}
    payload = (await door.rows("select payload from event_log"))[0]["payload"]
    clear = msgspec.json.decode(door.runtime.sealer(door.workspace.workspace_id).open(payload))
    assert clear == {"type": "track", "messageId": "m1", "event": "Seen", "userId": "u1"}
    totals = await reconciled(door)
    assert (totals["posted"], totals["accepted"], totals["quarantined"], totals["replayed"]) == (1, 1, 0, 1)
    again = (await door.ask("POST", "/v1/identity/quarantine/replay", json=repair)).json()
    assert again == {"outcomes": {}, "still_held": []}
    assert (await door.ask("GET", "/v1/identity/quarantine?status=replayed")).json()["items"][0]["settled_at"]


async def test_a_replayed_call_that_was_sent_right_meanwhile_is_a_duplicate(door: Door) -> None:
    [held] = await quarantined(door, {"type": "track", "userId": "u1", "messageId": "m1"})
    await door.post("track", {"type": "track", "event": "Seen", "userId": "u1", "messageId": "m1"})
    repair = {"ids": [held["quarantine_id"]], "set": {"/event": "Seen"}}
    answer = (await door.ask("POST", "/v1/identity/quarantine/replay", json=repair)).json()
    assert list(answer["outcomes"].values()) == ["duplicate"]
    await reconciled(door)


async def test_discarded_calls_are_given_up_once(door: Door) -> None:
    held = await quarantined(door, {"type": "track"}, {"type": "page"})
    ids = [each["quarantine_id"] for each in held]
    assert (await door.ask("POST", "/v1/identity/quarantine/discard", json={"ids": ids})).json() == {"count": 2}
    assert (await door.ask("POST", "/v1/identity/quarantine/discard", json={"ids": ids})).json() == {"count": 0}
    assert (await reconciled(door))["quarantined"] == 2


async def test_a_row_of_an_import_is_read_again_with_a_better_mapping(door: Door) -> None:
    (door.import_dir / "a.csv").write_text("who,when\nu1,03.02.2020\n")
    mapping = {
        "event": {"constant": "Seen"},
        "userId": {"column": "who"},
        "timestamp": {"column": "when", "as": "time"},
    }
    spec = {"source_id": door.server.source_id, "path": "a.csv", "mapping": mapping}
    await door.ask("POST", "/v1/imports", json=spec)
    while await run_imports.run(door.runtime):
        pass
    [held] = (await door.ask("GET", "/v1/identity/quarantine")).json()["items"]
    assert (held["reason"], held["row_no"], held["body"]) == ("not_a_time", 1, {"who": "u1", "when": "03.02.2020"})
    better = {**mapping, "timestamp": {"column": "when", "as": "time", "pattern": "%d.%m.%Y"}}
    answer = await door.ask(
        "POST", "/v1/identity/quarantine/replay", json={"ids": [held["quarantine_id"]], "mapping": better}
    )
    assert list(answer.json()["outcomes"].values()) == ["accepted"]
    row = (await door.rows("select event_time, imported, live, message_id from event_log"))[0]
    assert (row["event_time"].isoformat(), row["imported"], row["live"]) == ("2020-02-03T00:00:00+00:00", True, False)
    assert row["message_id"].endswith(":1")
    await reconciled(door)


async def test_quarantine_is_found_by_source_and_reason(door: Door) -> None:
    await quarantined(door, {"type": "track"}, {"type": "track", "event": "E"}, {"type": "shoe"})
    for query, wanted in (("reason=no_identifier", 1), (f"source_id={door.server.source_id}", 0), ("limit=2", 2)):
        page = (await door.ask("GET", f"/v1/identity/quarantine?{query}")).json()
        assert len(page["items"]) == wanted, query
    rest = (await door.ask("GET", f"/v1/identity/quarantine?limit=2&cursor={page['next_cursor']}")).json()
    assert len(rest["items"]) == 1


async def test_a_bad_repair_is_refused(door: Door) -> None:
    ids = ["0190a0a0-0000-7000-8000-000000000000"]
    for wrong in ({"set": {"event": 1}}, {"remove": ["/"]}, {"mapping": {"shoe": 1}}, {"ids": []}):
        answer = await door.ask("POST", "/v1/identity/quarantine/replay", json={"ids": ids, **wrong})
        assert answer.status_code == 422, wrong


async def test_the_debugger_tells_what_became_of_each_call(door: Door) -> None:
    good = {"type": "track", "event": "E", "userId": "u", "messageId": "m1"}
    for body in (good, good, {**good, "event": "F"}, {"type": "track", "userId": "u"}):
        await door.post("batch", {"batch": [body]})
    await door.post("track", {"event": "E"})
    answer = await door.ask("GET", f"/v1/identity/sources/{door.browser.source_id}/debugger")
    told = [(item["outcome"], item["reason"], item["pointer"]) for item in answer.json()["items"]]
    assert sorted(told, key=str) == [
        ("accepted", None, None),
        ("conflict", "other_content", None),
        ("duplicate", "same_message_id", "/messageId"),
        ("quarantined", "no_event_name", "/event"),
        ("refused", "no_identifier", "/userId"),
    ]
    assert (await door.ask("GET", "/v1/identity/sources/999999/debugger")).status_code == 404


async def test_without_the_right_to_personal_data_bodies_come_without_it(door: Door) -> None:
    await door.post("identify", {"userId": "u", "traits": {"email": "canary@b.cn", "tier": "gold"}})
    await quarantined(door, {"type": "track", "properties": {"email": "canary@b.cn"}})
    async with door.runtime.worker_database.transaction(door.workspace.workspace_id) as tx:
        scopes = ("events:read", "sources:read")
        record, key = await issue_key(
            tx, workspace_id=door.workspace.workspace_id, kind="secret", name="r", scopes=scopes
        )
    door.runtime.directory.put(record)
    for path in ("quarantine", "events", f"sources/{door.browser.source_id}/debugger"):
        answer = await door.ask("GET", f"/v1/identity/{path}", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["items"]
        assert "canary" not in answer.text, path


async def test_the_debuggers_notes_are_pruned(door: Door) -> None:
    from services.identity.store import turned_away
    from tests.identity.collection.test_record import NOW, new_id

    workspace_id = door.workspace.workspace_id
    async with door.runtime.database.transaction(workspace_id) as tx:
        rows = [
            turned_away.TurnedAway(
                workspace_id=workspace_id, source_id=5, note_id=new_id(), received_at=NOW, outcome="duplicate",
                kind=None, name=None, message_id=None, reason="r", pointer="",
            )
            for _ in range(1_200)
        ]  # fmt: skip
        await turned_away.note(tx, rows)
        await turned_away.prune(tx, [5])
        assert await tx.fetch_value(statement("select count(*) from turned_away")) == 1_000


async def test_the_record_is_listed_newest_first_page_by_page(door: Door) -> None:
    for number in range(5):
        await door.post("track", {"event": f"E{number % 2}", "userId": "u", "messageId": str(number)})
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await door.ask("GET", f"/v1/identity/events?limit=2{cursor}")).json()
        seen += [item["message_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ["4", "3", "2", "1", "0"]
    named = (await door.ask("GET", "/v1/identity/events?name=E1")).json()["items"]
    assert [item["message_id"] for item in named] == ["3", "1"]
    assert (await door.ask("GET", "/v1/identity/events?cursor=nonsense")).status_code == 422


async def test_the_last_names_are_learned_when_nothing_follows(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.identity.api.collector_commit.CATALOGUE_SECONDS", 0.3)
    await door.post("track", {"event": "First", "userId": "u"})
    await door.post("track", {"event": "Last", "userId": "u"})
    names: list[str] = []
    async with asyncio.timeout(60):
        while names != ["First", "Last"]:
            items = (await door.ask("GET", "/v1/identity/catalogue")).json()["items"]
            names = [item["event_name"] for item in items]


async def test_names_and_types_are_learned(door: Door) -> None:
    await door.post("track", {"event": "Paid", "userId": "u", "properties": {"total": 1.5, "items": []}})
    await door.post("track", {"event": "Paid", "userId": "u", "properties": {"total": "1.5"}})
    await door.post("identify", {"userId": "u", "traits": {"vip": True}})
    commit = door.app.state.group_commit
    # who committed the first call tells the catalogue after it was answered
    await asyncio.gather(*commit._tasks)
    commit._tell_after = 0.0
    await commit.tell_catalogue()
    items = (await door.ask("GET", "/v1/identity/catalogue")).json()["items"]
    assert [(i["kind"], i["event_name"], i["name"], i["types"], i["seen"]) for i in items] == [
        ("event", "$identify", "", ["call"], 1),
        ("event", "Paid", "", ["call"], 2),
        ("property", "Paid", "items", ["list"], 1),
        ("property", "Paid", "total", ["number", "text"], 2),
        ("trait", "", "vip", ["boolean"], 1),
    ]
    first = (await door.ask("GET", "/v1/identity/catalogue?limit=3")).json()
    rest = (await door.ask("GET", f"/v1/identity/catalogue?limit=3&cursor={first['next_cursor']}")).json()
    assert len(first["items"]) + len(rest["items"]) == 5


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
_objects = st.dictionaries(st.sampled_from("abc"), _json, max_size=3)
_pointers = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))


@given(
    _objects,
    st.dictionaries(_pointers, _pointers, max_size=3),
    st.dictionaries(_pointers, _json, max_size=3),
    _pointers,
)
def test_a_repair_never_breaks_and_leaves_the_original_alone(
    call: dict[str, Any], move: dict[str, str], put: dict[str, Any], gone: str
) -> None:
    before = msgspec.json.encode(call)
    mended = mend(call, Repair(move=move, set=put, remove=(gone,)))
    assert isinstance(mended, dict)
    assert msgspec.json.encode(call) == before


@pytest.mark.parametrize(
    "query",
    ["quarantine?reason=%00", "events?name=a%00", "events?source_id=99999999999", "catalogue?event_name=%00",
     "usage?until=0001-01-01", "usage?since=9999-12-31", "quarantine?cursor=W10",
     "catalogue?cursor=WyJcdTAwMDAiLCIiLCIiXQ"],
)  # fmt: skip
async def test_a_query_the_database_cannot_compare_is_refused(door: Door, query: str) -> None:
    assert (await door.ask("GET", f"/v1/identity/{query}")).status_code == 422


async def test_a_cursor_without_a_zone_is_read_as_utc(door: Door) -> None:
    cursor = base64.urlsafe_b64encode(b'["2020-01-01T00:00:00","0190a0a0-0000-7000-8000-000000000000"]').decode()
    assert (await door.ask("GET", f"/v1/identity/events?cursor={cursor}")).json()["items"] == []
