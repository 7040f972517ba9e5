"""A workspace says what it expects: what departs is taken, taken with a warning, or held to be mended."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.identity.domain.calls import Call, read_call
from services.identity.domain.tracking_plan import TrackingPlan, sort_calls, violations
from services.identity.jobs import run_imports
from tests.identity.collection.conftest import Door
from tests.identity.collection.test_resolved import resolve

PLAN = {
    "events": {
        "Order Completed": {
            "on_violation": "quarantine",
            "properties": {
                "total": {"type": "number", "required": True}, "currency": {"values": ["CNY", "EUR"]},
                "note": {"type": "text", "on_violation": "warn"}, "at": {"type": "time"}, "n": {"type": "integer"},
            },
            "unplanned_properties": "warn",
        },
        "Seen": {},
    },
    "traits": {"properties": {"age": {"type": "integer"}}, "on_violation": "warn"},
    "unplanned_events": "warn",
}  # fmt: skip


def an_order(number: int, **properties: Any) -> dict[str, Any]:
    order = {"type": "track", "event": "Order Completed", "userId": "u-1", "messageId": f"m-{number}"}
    return {**order, "properties": properties}


def a_call(**fields: Any) -> Call:
    call = read_call(msgspec.json.encode({"type": "track", "userId": "u", "event": "Seen", **fields}))
    assert isinstance(call, Call)
    return call


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"total": 1}, []),
        ({}, [("quarantine", "missing_property", "/properties/total")]),
        ({"total": None}, [("quarantine", "missing_property", "/properties/total")]),
        ({"total": "1"}, [("quarantine", "wrong_type", "/properties/total")]),
        ({"total": True}, [("quarantine", "wrong_type", "/properties/total")]),
        ({"total": 1, "n": 2.0}, []),
        ({"total": 1, "n": 2.5}, [("quarantine", "wrong_type", "/properties/n")]),
        ({"total": 1, "currency": "USD"}, [("quarantine", "not_allowed", "/properties/currency")]),
        ({"total": 1, "at": "2026-01-01T00:00:00Z"}, []),
        ({"total": 1, "at": "soon"}, [("quarantine", "wrong_type", "/properties/at")]),
        ({"total": 1, "note": 7}, [("warn", "wrong_type", "/properties/note")]),
        ({"total": 1, "a/b": 7}, [("warn", "unplanned_property", "/properties/a~1b")]),
    ],
)
def test_each_rule_says_what_it_means(properties: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    plan = msgspec.convert(PLAN, TrackingPlan)
    found = violations(a_call(event="Order Completed", properties=properties), plan)
    assert [(one.mode, one.refusal.reason, one.refusal.pointer) for one in found] == expected


_bodies = st.dictionaries(st.sampled_from(["total", "note", "x", "currency"]), st.sampled_from([1, "1", None, "CNY"]))


@settings(deadline=None)  # a busy machine may pause in the middle
@given(st.lists(_bodies, max_size=6))
def test_every_call_stays_or_is_held_and_order_does_not_matter(bodies: list[dict[str, Any]]) -> None:
    plan = msgspec.convert(PLAN, TrackingPlan)
    calls = [a_call(event="Order Completed", properties=body) for body in bodies]
    done = sort_calls(calls, plan)
    held = [position for position, _ in done.held]
    assert sorted([*done.staying, *held]) == list(range(len(calls)))
    assert set(done.warned) <= set(done.staying)
    for position in held:
        assert any(one.mode == "quarantine" for one in violations(calls[position], plan))
    back = sort_calls(calls[::-1], plan)
    assert [len(calls) - 1 - one for one in back.staying][::-1] == done.staying


async def test_what_departs_is_held_or_warned_of_and_repaired_under_a_milder_plan(door: Door) -> None:
    answer = await door.ask("PUT", "/v1/identity/tracking-plan", json=PLAN)
    assert answer.json() == {"version": 1}
    batch = [an_order(1, total=5), an_order(2, total="5"), an_order(3, total=5, colour="red"), an_order(4)]
    batch.append({"type": "track", "event": "Strange", "userId": "u-1", "messageId": "m-5"})
    batch.append({"type": "identify", "userId": "u-1", "messageId": "m-6", "traits": {"age": "old"}})
    taken = (await door.post("batch", {"batch": batch})).json()
    assert (taken["accepted"], taken["quarantined"]) == (4, 2)
    assert (await door.post("track", an_order(7))).status_code == 200
    seen = (await door.ask("GET", f"/v1/identity/sources/{door.browser.source_id}/debugger")).json()["items"]
    told = sorted((item["message_id"] or "", item["outcome"], item["reason"], item["pointer"]) for item in seen)
    assert told == [
        ("", "quarantined", "missing_property", "/properties/total"),
        ("", "quarantined", "missing_property", "/properties/total"),
        ("", "quarantined", "wrong_type", "/properties/total"),
        ("m-1", "accepted", None, None),
        ("m-3", "accepted", "unplanned_property", "/properties/colour"),
        ("m-5", "accepted", "unplanned_event", "/event"),
        ("m-6", "accepted", "wrong_type", "/traits/age"),
    ]
    ways = (await door.ask("GET", "/v1/identity/tracking-plan/violations?limit=2")).json()
    assert [(way["event_name"], way["reason"], way["seen"]) for way in ways["items"]] == [
        ("$identify", "wrong_type", 1), ("Order Completed", "unplanned_property", 1),
    ]  # fmt: skip
    more = await door.ask("GET", f"/v1/identity/tracking-plan/violations?cursor={ways['next_cursor']}")
    assert [(way["reason"], way["seen"]) for way in more.json()["items"]] == [
        ("missing_property", 2), ("wrong_type", 1), ("unplanned_event", 1),
    ]  # fmt: skip
    held = (await door.ask("GET", "/v1/identity/quarantine?reason=missing_property")).json()["items"]
    ids = [item["quarantine_id"] for item in held]
    again = (await door.ask("POST", "/v1/identity/quarantine/replay", json={"ids": ids})).json()
    assert {item["reason"] for item in again["still_held"]} == {"missing_property"}
    mended = {"ids": ids[:1], "set": {"/properties/total": 9}}
    assert list(
        (await door.ask("POST", "/v1/identity/quarantine/replay", json=mended)).json()["outcomes"].values()
    ) == ["accepted"]
    milder = {"events": {"Order Completed": {"on_violation": "accept"}}}
    assert (await door.ask("PUT", "/v1/identity/tracking-plan", json=milder)).json() == {"version": 2}
    assert (await door.ask("GET", "/v1/identity/tracking-plan")).json()["unplanned_events"] == "accept"
    last = (await door.ask("POST", "/v1/identity/quarantine/replay", json={"ids": ids[1:]})).json()
    assert list(last["outcomes"].values()) == ["accepted"]
    usage = (await door.ask("GET", "/v1/identity/usage")).json()
    assert (usage["reconciled"], usage["totals"]["posted"], usage["totals"]["accepted"]) == (True, 7, 6)


async def test_rows_of_a_file_are_held_by_the_plan_and_mapped_anew(door: Door) -> None:
    await door.ask("PUT", "/v1/identity/tracking-plan", json=PLAN)
    (door.import_dir / "a.csv").write_text("who,sum\nu1,5\nu2,6\n")
    mapping = {"event": {"constant": "Order Completed"}, "userId": {"column": "who"}}
    spec = {"source_id": door.server.source_id, "path": "a.csv", "mapping": mapping}
    await door.ask("POST", "/v1/imports", json=spec)
    while await run_imports.run(door.runtime):
        pass
    held = (await door.ask("GET", "/v1/identity/quarantine")).json()["items"]
    told = sorted((item["reason"], item["row_no"], item["body"]["sum"]) for item in held)
    assert told == [("missing_property", 1, "5"), ("missing_property", 2, "6")]
    better = {**mapping, "properties": {"total": {"column": "sum", "as": "number"}}}
    repair = {"ids": [item["quarantine_id"] for item in held], "mapping": better}
    answer = (await door.ask("POST", "/v1/identity/quarantine/replay", json=repair)).json()
    assert set(answer["outcomes"].values()) == {"accepted"}
    assert (await door.ask("GET", "/v1/identity/usage")).json()["reconciled"]


async def test_a_plan_that_is_none_is_refused_with_its_place(door: Door) -> None:
    for wrong in ({"events": {"A": {"properties": {"b": {"type": "money"}}}}}, {"x": 1}, {"unplanned_events": "hold"}):
        answer = await door.ask("PUT", "/v1/identity/tracking-plan", json=wrong)
        assert (answer.status_code, bool(answer.json()["errors"][0]["pointer"])) == (422, True)
    assert (await door.ask("GET", "/v1/identity/tracking-plan")).json()["version"] == 0


async def test_case_06_a_source_whose_identifiers_name_nobody_is_pointed_out(door: Door) -> None:
    fine = [{"type": "identify", "userId": f"u-{n}", "traits": {"phone": f"1391234{n:04}"}} for n in range(12)]
    await door.post("batch", {"batch": fine}, door.server_key)
    fillers = ["13800138000", "138****8000", "00000000", "test@test.com", "undefined"]
    bad = [{"type": "identify", "userId": f"v-{n}", "traits": {"phone": fillers[n % 3]}} for n in range(15)]
    bad += [{"type": "identify", "userId": "null", "traits": {"email": fillers[3]}}]
    await door.post("batch", {"batch": bad})
    await resolve(door)
    answer = (await door.ask("GET", "/v1/identity/identifier-quality")).json()["items"]
    assert [(item["source_id"], item["valid"], item["invalid"], item["alert"]) for item in answer] == [
        (door.browser.source_id, 15, 17, True), (door.server.source_id, 24, 0, False),
    ]  # fmt: skip
    assert answer[0]["invalid_percent"] == 53.12
    reasons = {(reason["namespace"], reason["reason"]): reason["seen"] for reason in answer[0]["reasons"]}
    assert reasons["phone", "masked"] == 5
    assert sum(reasons.values()) == 17
    patience = {"settings": {"invalid_identifier_alert_percent": 60}}
    await door.ask("PATCH", f"/v1/identity/sources/{door.browser.source_id}", json=patience)
    query = f"/v1/identity/identifier-quality?source_id={door.browser.source_id}"
    assert [item["alert"] for item in (await door.ask("GET", query)).json()["items"]] == [False]
