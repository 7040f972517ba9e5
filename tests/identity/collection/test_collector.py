"""The front door keeps what the Segment specification promises its SDKs."""

import asyncio
import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.identity.domain.limits import BATCH_BYTES, EVENT_BYTES
from tests.identity.collection.conftest import Door, OpenDoor

SINGLE = [
    ("track", "t", {"event": "Seen"}),
    ("identify", "i", {"traits": {"email": "wang@example.com"}}),
    ("page", "p", {"name": "Home"}),
    ("screen", "s", {"name": "Home"}),
    ("group", "g", {"groupId": "g1"}),
    ("alias", "a", {"previousId": "a1"}),
]


def a_call(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Seen", "userId": f"u{number}", "messageId": f"m{number}", **more}


def reason_of(response: Any) -> tuple[str, str]:
    error = response.json()["errors"][0]
    return error["code"], error["pointer"]


@pytest.mark.parametrize(("path", "letter", "body"), SINGLE)
async def test_each_kind_of_call_is_taken_under_its_name_and_its_letter(
    door: Door, path: str, letter: str, body: dict[str, Any]
) -> None:
    for where in (path, letter):
        answer = await door.post(where, {"userId": "u1", "messageId": where, **body})
        assert (answer.status_code, answer.json()) == (200, {"success": True})
    logged = await door.rows("select kind, name, source_id from event_log")
    assert {(row["kind"], row["source_id"]) for row in logged} == {(path, door.browser.source_id)}
    assert len(await door.rows("select * from event_deduplication")) == 2


async def test_the_answer_to_a_batch_counts_what_became_of_it(door: Door) -> None:
    batch = [
        a_call(1),
        a_call(2),
        a_call(1),
        {**a_call(2), "event": "Other"},
        {"type": "track", "userId": "u"},
        a_call(3),
    ]
    answer = (await door.post("batch", {"batch": batch})).json()
    assert answer.pop("errors") == [
        {"index": 4, "pointer": "/batch/4/event", "reason": "no_event_name", "detail": "event is the name of the event"}
    ]
    wanted = {"posted": 6, "accepted": 3, "duplicate": 1, "conflict": 1, "quarantined": 1, "refused": 0}
    assert answer == {"success": True, **wanted}
    assert await door.counts() == {**wanted, "replayed": 0}


@pytest.mark.parametrize("where", ["basic", "bearer", "bare", "body", "beacon"])
async def test_the_write_key_is_found_wherever_sdks_put_it(door: Door, where: str) -> None:
    key = door.browser_key
    headers = {
        "basic": {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()},
        "bearer": {"Authorization": f"Bearer {key}"},
        "bare": {"Authorization": key},
        "body": {"Content-Type": "application/json"},
        "beacon": {"Content-Type": "text/plain;charset=UTF-8"},
    }[where]
    body = a_call() if where in {"basic", "bearer", "bare"} else {**a_call(), "writeKey": key}
    answer = await door.http.post("/v1/t", content=json.dumps(body), headers=headers)
    assert answer.status_code == 200, answer.text
    assert len(await door.rows("select 1 from event_log")) == 1


async def test_a_request_without_a_valid_write_key_is_unauthorized(door: Door) -> None:
    for auth in (("", ""), ("cdp_wk_nope", ""), (door.secret_key, "")):
        assert (await door.http.post("/v1/track", json=a_call(), auth=auth)).status_code == 401
    assert (await door.http.post("/v1/track", json=a_call())).status_code == 401


async def test_a_write_key_can_only_write(door: Door) -> None:
    answer = await door.http.get("/v1/identity/quarantine", headers={"Authorization": f"Bearer {door.browser_key}"})
    assert answer.status_code == 401


async def test_gzip_bodies_are_taken(door: Door) -> None:
    packed = gzip.compress(json.dumps({"batch": [a_call(n) for n in range(50)]}).encode())
    answer = await door.http.post(
        "/v1/batch", content=packed, headers={"Content-Encoding": "gzip"}, auth=(door.browser_key, "")
    )
    assert answer.json()["accepted"] == 50


async def test_inflating_stops_at_the_limit(door: Door) -> None:
    bomb = gzip.compress(b'{"batch":["' + b"a" * 300_000_000 + b'"]}', 1)
    answer = await door.http.post(
        "/v1/batch", content=bomb, headers={"Content-Encoding": "gzip"}, auth=(door.browser_key, "")
    )
    assert answer.status_code == 400
    assert reason_of(answer) == ("request_too_large", "")


@pytest.mark.parametrize(
    ("content", "encoding"),
    [(b"\x1f\x8bnot gzip", "gzip"), (gzip.compress(b"{}" * 1000)[:30], "gzip"), (b"{}", "br")],
    ids=["not gzip", "cut off", "another encoding"],
)
async def test_a_body_that_does_not_inflate_is_refused(door: Door, content: bytes, encoding: str) -> None:
    answer = await door.http.post(
        "/v1/track", content=content, headers={"Content-Encoding": encoding}, auth=(door.browser_key, "")
    )
    assert answer.status_code == (415 if encoding == "br" else 400)


async def test_an_event_over_32_kib_is_refused_and_the_same_in_a_batch_is_quarantined_alone(door: Door) -> None:
    large = a_call(1, properties={"text": "x" * EVENT_BYTES})
    answer = await door.post("track", large)
    assert (answer.status_code, reason_of(answer)) == (400, ("event_too_large", ""))
    counted = (await door.post("batch", {"batch": [large, a_call(2)]})).json()
    assert (counted["accepted"], counted["quarantined"]) == (1, 1)
    assert [row["reason"] for row in await door.rows("select reason from quarantine")] == ["event_too_large"]


async def test_a_request_over_500_kib_is_refused_whole(door: Door) -> None:
    answer = await door.post("batch", {"batch": [a_call(n, properties={"t": "x" * 3000}) for n in range(200)]})
    assert BATCH_BYTES < 200 * 3000
    assert (answer.status_code, reason_of(answer)) == (400, ("request_too_large", ""))
    assert await door.rows("select 1 from event_log") == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", ("malformed_json", "")),
        (b"{", ("malformed_json", "")),
        (b"[]", ("not_an_object", "")),
        (b'"x"', ("not_an_object", "")),
        (b'{"event":"E"}', ("no_identifier", "/userId")),
        (b'{"event":"E","userId":""}', ("no_identifier", "/userId")),
        (b'{"event":"E","userId":{"a":1}}', ("wrong_type", "/userId")),
        (b'{"event":7,"userId":"u"}', ("wrong_type", "/event")),
        (b'{"userId":"u"}', ("no_event_name", "/event")),
        (b'{"event":"$message_opened","userId":"u"}', ("reserved_event_name", "/event")),
        (b'{"event":"$","userId":"u"}', ("reserved_event_name", "/event")),
        (b'{"event":"E","userId":"u","properties":[1]}', ("wrong_type", "/properties")),
        (b'{"event":"E","userId":"u","timestamp":"yesterday"}', ("bad_timestamp", "/timestamp")),
        (b'{"event":"E","userId":"u","properties":{"a":"\\u0000"}}', ("nul_character", "/properties/a")),
        (b'{"event":"E","userId":"u","properties":' + b"[" * 9000 + b"]" * 9000 + b"}", ("too_deep", "")),
        (b'{"event":"E","userId":"u","properties":{"a":1e999}}', ("number_out_of_range", "")),
        (b'{"event":"E\xff","userId":"u"}', ("malformed_json", "")),
    ],
)
async def test_a_bad_call_is_refused_with_a_reason_and_a_pointer(
    door: Door, body: bytes, reason: tuple[str, str]
) -> None:
    answer = await door.http.post("/v1/track", content=body, auth=(door.browser_key, ""))
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert reason_of(answer) == reason
    counts = await door.counts()
    assert (counts["posted"], counts["refused"], counts["accepted"]) == (1, 1, 0)


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"batch":{}}', b'{"batch":null}', b'{"batch":' + b"[" * 20_000])
async def test_what_is_no_batch_is_refused_whole(door: Door, body: bytes) -> None:
    answer = await door.http.post("/v1/batch", content=body, auth=(door.browser_key, ""))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] in {"malformed_json", "not_a_batch"}


async def test_odd_members_of_a_batch_are_quarantined_alone(door: Door) -> None:
    odd = [1, None, "x", [], {}, {"type": 3}, {"type": "track"}, a_call(1)]
    answer = (await door.post("batch", {"batch": odd})).json()
    assert (answer["posted"], answer["accepted"], answer["quarantined"]) == (8, 1, 7)
    assert [error["index"] for error in answer["errors"]] == list(range(7))


async def test_an_empty_batch_is_nothing(door: Door) -> None:
    assert (await door.post("batch", {"batch": []})).json()["posted"] == 0


async def test_nothing_is_half_written_when_the_database_refuses(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from services.identity.store import source_counters

    async def broken(*_: Any) -> None:
        raise RuntimeError("no")

    with monkeypatch.context() as patch:
        patch.setattr(source_counters, "add_counts", broken)
        answer = await door.post("track", a_call())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    for table in ("event_log", "event_deduplication", "source_counter"):
        assert await door.rows(f"select 1 from {table}") == []
    assert (await door.post("track", a_call())).status_code == 200


async def test_the_same_message_twice_is_one_event_and_both_are_answered(door: Door) -> None:
    first, second = await asyncio.gather(door.post("track", a_call()), door.post("track", a_call()))
    assert (first.status_code, second.status_code) == (200, 200)
    assert len(await door.rows("select 1 from event_log")) == 1
    counts = await door.counts()
    assert (counts["posted"], counts["accepted"], counts["duplicate"]) == (2, 1, 1)


async def test_a_retry_with_a_new_sent_at_is_a_duplicate(door: Door) -> None:
    for second in (1, 2):
        sent = f"2026-01-01T00:00:0{second}Z"
        await door.post("track", a_call(sentAt=sent))
        await door.post("batch", {"batch": [a_call()], "sentAt": sent})
    counts = await door.counts()
    assert (counts["accepted"], counts["duplicate"], counts["conflict"]) == (1, 3, 0)


async def test_a_call_without_a_message_id_gets_one(door: Door) -> None:
    body = {"event": "Seen", "userId": "u"}
    await door.post("track", body)
    await door.post("track", body)
    rows = await door.rows("select message_id from event_log")
    assert len({row["message_id"] for row in rows}) == 2


async def test_unknown_fields_are_kept_and_the_payload_is_sealed(door: Door) -> None:
    await door.post("track", a_call(somethingNew={"a": [1, 2.5]}, properties={"email": "canary@example.com"}))
    payload = (await door.rows("select payload from event_log"))[0]["payload"]
    assert b"canary" not in payload
    clear = msgspec.json.decode(door.runtime.sealer(door.workspace.workspace_id).open(payload))
    assert clear["somethingNew"] == {"a": [1, 2.5]}


async def test_the_clock_of_a_device_is_corrected_and_one_ahead_is_clamped(door: Door) -> None:
    await door.post("batch", {
        "batch": [
            a_call(1, timestamp="2020-01-01T00:00:00Z"),
            a_call(2, timestamp="2020-01-01T00:59:00Z", sentAt="2020-01-01T01:00:00Z"),
            a_call(3, timestamp="2199-01-01T00:00:00Z"),
        ]
    })  # fmt: skip
    rows = {row["message_id"]: row for row in await door.rows("select * from event_log")}
    assert rows["m1"]["event_time"] == datetime(2020, 1, 1, tzinfo=UTC)
    assert rows["m2"]["event_time"] == rows["m2"]["received_at"] - timedelta(minutes=1)
    assert rows["m2"]["original_time"] == datetime(2020, 1, 1, 0, 59, tzinfo=UTC)
    assert rows["m3"]["event_time"] == rows["m3"]["received_at"] + timedelta(minutes=5)


async def test_under_a_driven_clock_arrival_is_the_workspaces_time_and_no_clock_is_corrected(
    open_door: OpenDoor,
) -> None:
    noon = datetime(2041, 7, 1, 12, tzinfo=UTC)
    door = await open_door(driven_now=noon)
    await door.post("track", a_call(1, timestamp="2041-06-30T00:00:00Z", sentAt="2041-06-30T00:00:01Z"))
    row = (await door.rows("select received_at, event_time from event_log"))[0]
    assert row == {"received_at": noon, "event_time": datetime(2041, 6, 30, tzinfo=UTC)}


async def test_what_a_batch_shares_is_in_each_of_its_calls(door: Door) -> None:
    await door.post(
        "batch", {"batch": [a_call(context={"locale": "zh-CN"})], "context": {"ip": "1.2.3.4", "locale": "de"}}
    )
    payload = (await door.rows("select payload from event_log"))[0]["payload"]
    clear = msgspec.json.decode(door.runtime.sealer(door.workspace.workspace_id).open(payload))
    assert clear["context"] == {"ip": "1.2.3.4", "locale": "zh-CN"}
