"""What a batch says of all its calls is checked, bounded and kept with each of them."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.access.model import Source
from services.identity.domain.batches import read_batch
from services.identity.domain.calls import Refusal
from services.identity.domain.limits import BATCH_BYTES, DEPTH, EVENT_BYTES, SPREAD_BYTES
from services.identity.domain.timestamps import read_time
from tests.identity.collection.conftest import Door

SOURCE = Source(source_id=1, workspace_id=1, key="web", name="Web")
CALL = {"type": "track", "event": "Seen", "userId": "u1"}


def nested(depth: int, name: str = "a") -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {name: value}
    return value


def read(*calls: dict[str, Any], **shared: Any) -> Any:
    return read_batch(SOURCE, msgspec.json.encode({"batch": calls, **shared}))


@pytest.mark.parametrize(
    ("context", "reason", "pointer"),
    [
        ({"page": {"title": "a\0b"}}, "nul_character", "/context/page/title"),
        (nested(DEPTH), "too_deep", "/context" + "/a" * (DEPTH - 1)),
    ],
)
def test_a_context_that_no_store_could_keep_is_refused_with_its_place(
    context: dict[str, Any], reason: str, pointer: str
) -> None:
    refusal = read(CALL, context=context)
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.pointer) == (reason, pointer)


def test_a_context_over_many_calls_weighs_no_more_than_a_bound() -> None:
    context = {"note": "x" * (BATCH_BYTES // 2)}
    body = msgspec.json.encode({"batch": [CALL] * 5000, "context": context})
    assert len(body) < BATCH_BYTES
    refusal = read_batch(SOURCE, body)
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.pointer) == ("shared_too_large", "/context")


@given(st.integers(1, 2000), st.integers(0, 4000))
def test_what_is_in_hand_of_a_batch_is_what_its_calls_weigh(calls: int, size: int) -> None:
    read_one = read(*[CALL] * calls, context={"note": "x" * size})
    if isinstance(read_one, Refusal):
        assert calls * size > SPREAD_BYTES - calls * 50
        return
    posting, _ = read_one
    assert sum(len(call.payload) for call in posting.calls) <= posting.size <= BATCH_BYTES * 2 + SPREAD_BYTES


def test_a_call_that_is_too_large_with_its_context_is_held_alone_and_whole() -> None:
    posting, why = read({**CALL, "properties": {"note": "x" * (EVENT_BYTES - 300)}}, CALL, context={"a": "y" * 400})
    assert [(position, refusal.reason) for position, refusal in why.items()] == [(0, "event_too_large")]
    assert len(posting.calls) == 1
    assert msgspec.json.decode(posting.kept[0][1])["context"] == {"a": "y" * 400}


async def test_a_held_call_keeps_what_its_batch_said_of_all_and_is_mended_with_it(door: Door) -> None:
    bad = {"type": "track", "messageId": "m1", "context": {"locale": "zh"}}
    shared = {"device": {"id": "0f6bd3b2-9d4f-4d5b-9f1a-111122223333"}, "locale": "de"}
    answer = await door.post("batch", {"batch": [bad], "context": shared})
    assert answer.json()["quarantined"] == 1
    [held] = (await door.ask("GET", "/v1/identity/quarantine")).json()["items"]
    assert held["body"]["context"] == {**shared, "locale": "zh"}
    mend = {"ids": [held["quarantine_id"]], "set": {"/event": "Seen"}}
    mended = (await door.ask("POST", "/v1/identity/quarantine/replay", json=mend)).json()
    assert list(mended["outcomes"].values()) == ["accepted"]


async def test_a_call_whose_names_hold_a_nul_where_it_is_too_deep_is_held_alone(door: Door) -> None:
    deep = {"type": "track", "event": "Seen", "userId": "u2", "properties": nested(40, "a\0b")}
    answer = await door.post("batch", {"batch": [CALL, deep]})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["accepted"], answer.json()["quarantined"]) == (1, 1)
    [held] = (await door.ask("GET", "/v1/identity/quarantine")).json()["items"]
    assert held["reason"] == "too_deep"


@pytest.mark.parametrize("digits", [14, 16, 20, 400, 4000])
async def test_a_time_of_any_number_of_digits_is_told_or_refused(door: Door, digits: int) -> None:
    number = 10**digits
    answer = await door.post("batch", {"batch": [{**CALL, "timestamp": number}, CALL], "sentAt": number})
    assert answer.status_code == 200, answer.text
    assert answer.json()["accepted"] + answer.json()["quarantined"] == 2
    single = await door.post("track", {**CALL, "timestamp": number})
    assert single.status_code == (200 if digits == 14 else 400), single.text
    assert (read_time(number) is None) == (digits > 14)
