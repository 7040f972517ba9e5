"""Real exports of others go in: each call is taken or refused for a stated reason, and every total adds up."""

import asyncio
import csv
import gzip
import json
from collections import Counter
from typing import Any

from services.identity.api.collector import SINGLE
from services.identity.domain.limits import EVENT_BYTES
from tests.identity.collection.conftest import Door
from tests.identity.collection.shared_data import shared_file

REFUSALS = {
    "no_identifier", "no_event_name", "bad_event_name", "wrong_type", "no_group_id", "no_previous_id", "bad_timestamp",
    "event_too_large", "request_too_large", "unknown_type",
}  # fmt: skip


def odd_calls() -> list[dict[str, Any]]:
    with gzip.open(shared_file("data/segment_events/events.ndjson.gz"), "rt") as file:
        return [json.loads(line)["event"] for line in file]


async def test_each_of_the_odd_calls_is_taken_or_refused_for_a_stated_reason(door: Door) -> None:
    calls = odd_calls()
    assert len(calls) == 1_576
    became: Counter[str] = Counter()
    gate = asyncio.Semaphore(16)

    async def send(call: dict[str, Any]) -> None:
        kind = call.get("type")
        path = kind if kind in SINGLE else "track"
        async with gate:
            answer = await door.post(path, call)
        if answer.status_code == 200:
            became["taken"] += 1
            return
        assert answer.status_code == 400, answer.text
        [error] = answer.json()["errors"]
        assert error["code"] in REFUSALS
        assert error["detail"]
        became["refused"] += 1

    await asyncio.gather(*(send(call) for call in calls))
    counts = await door.counts()
    assert became["taken"] == counts["accepted"] + counts["duplicate"] + counts["conflict"]
    told = (await door.ask("GET", "/v1/identity/usage")).json()
    assert told["reconciled"]
    assert became["taken"] > 1_350


async def test_the_odd_calls_in_batches_are_taken_or_quarantined_one_by_one(door: Door) -> None:
    calls = [call for call in odd_calls() if len(json.dumps(call)) < 10 * EVENT_BYTES]
    answered: Counter[str] = Counter()
    for start in range(0, len(calls), 20):
        answer = await door.post("batch", {"batch": calls[start : start + 20]})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        answered.update({name: told[name] for name in ("accepted", "duplicate", "conflict", "quarantined", "refused")})
        assert all(error["reason"] in REFUSALS for error in told["errors"])
    assert sum(answered.values()) == len(calls)
    counts = await door.counts()
    assert counts["posted"] == len(calls)
    assert {name: counts[name] for name in answered} == dict(answered)


async def test_a_real_shops_export_has_31_repeats_of_which_27_are_conflicts(door: Door) -> None:
    with gzip.open(shared_file("data/mimnet_segment_shop/events.csv.gz"), "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16_008
    answered: Counter[str] = Counter()
    for start in range(0, len(rows), 400):
        batch = [
            {
                "type": "page" if row["event_type"] == "Page" else "track",
                "event": row["event_type"],
                "userId": row["user_id"],
                "messageId": row["event_id"],
                "timestamp": row["ts"],
            }
            for row in rows[start : start + 400]
        ]
        answer = await door.post("batch", {"batch": batch})
        assert answer.status_code == 200
        answered.update({name: answer.json()[name] for name in ("accepted", "duplicate", "conflict", "quarantined")})
    assert answered["quarantined"] == 0
    assert answered["accepted"] == 16_008 - 31
    assert answered["duplicate"] + answered["conflict"] == 31
    assert answered["conflict"] >= 27
    logged = Counter(row["is_conflict"] for row in await door.rows("select is_conflict from event_log"))
    assert logged == {False: answered["accepted"], True: answered["conflict"]}
    assert (await door.ask("GET", "/v1/identity/usage")).json()["reconciled"]
