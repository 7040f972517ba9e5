"""More than can be taken is refused early, and only to the one that sends it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.identity.api.collector_commit import COMMITTERS, GroupCommit
from tests.identity.collection.conftest import Door
from tests.identity.collection.test_collector import a_call


async def test_only_the_noisy_source_is_slowed(door: Door) -> None:
    _, noisy = await door.a_source(key="noisy", name="Noisy", quota_per_second=1)
    now = asyncio.get_running_loop().time
    began = now()
    answers = [await door.post("track", a_call(n), noisy) for n in range(30)]
    refused = [answer for answer in answers if answer.status_code == 429]
    # two seconds' worth at once, and one more for each second they took, however busy the machine
    assert 2 <= 30 - len(refused) <= 2 + (now() - began)
    assert refused
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert (await door.post("track", a_call(99))).status_code == 200
    assert (await door.counts())["accepted"] == 31 - len(refused)


async def test_a_batch_larger_than_the_quota_still_passes_now_and_then(door: Door) -> None:
    _, small = await door.a_source(key="small", name="Small", quota_per_second=1)
    assert (await door.post("batch", {"batch": [a_call(n) for n in range(40)]}, small)).status_code == 200
    assert (await door.post("batch", {"batch": [a_call(n) for n in range(40)]}, small)).status_code == 429


async def test_a_full_queue_is_refused_before_memory_grows(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.identity.api.collector_commit.QUEUE_CALLS", 3)
    answers = await asyncio.gather(*(door.post("track", a_call(n)) for n in range(40)))
    codes = {answer.status_code for answer in answers}
    assert codes == {200, 503}
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 503)
    taken = sum(answer.status_code == 200 for answer in answers)
    assert len(await door.rows("select 1 from event_log")) == taken


async def test_requests_at_the_same_time_share_transactions(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[int] = []
    take = GroupCommit._take

    async def counting(self: GroupCommit, postings: list[Any]) -> Any:
        groups.append(len(postings))
        return await take(self, postings)

    monkeypatch.setattr(GroupCommit, "_take", counting)
    answers = await asyncio.gather(*(door.post("track", a_call(n)) for n in range(60)))
    assert all(answer.status_code == 200 for answer in answers)
    assert sum(groups) == 60
    assert len(groups) < 30


async def test_nobody_waits_for_committers_that_are_done_and_still_tell_the_catalogue(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = asyncio.Event()

    async def slow(_self: GroupCommit) -> None:
        await told.wait()

    monkeypatch.setattr(GroupCommit, "tell_catalogue", slow)
    async with asyncio.timeout(20):
        answers = [await door.post("track", a_call(n)) for n in range(COMMITTERS + 2)]
    told.set()
    assert {answer.status_code for answer in answers} == {200}


async def test_who_has_no_good_key_in_his_header_is_refused_before_his_body_is_read(door: Door) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(20):
            read += 1
            yield b" " * 10_000

    answer = await door.http.post("/v1/track", content=body(), auth=("cdp_wk_nobody", ""))
    assert answer.status_code == 401
    assert read <= 1


async def test_bodies_being_read_count_as_memory(door: Door) -> None:
    await door.post("track", a_call(1))
    memory = door.app.state.group_commit.memory
    assert memory.in_hand == 0
    memory._limit = 5_000
    go_on, begun = asyncio.Event(), asyncio.Event()
    call = json.dumps(a_call(2, properties={"text": "x" * 4_000})).encode()

    async def slow_body() -> AsyncIterator[bytes]:
        yield call[:3_000]
        begun.set()
        await go_on.wait()
        yield call[3_000:]

    slow = asyncio.create_task(door.http.post("/v1/track", content=slow_body(), auth=(door.browser_key, "")))
    await begun.wait()
    refused = await door.post("track", a_call(3, properties={"text": "x" * 4_000}))
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert (await door.post("track", a_call(4))).status_code == 200
    go_on.set()
    assert (await slow).status_code == 200
    assert memory.in_hand == 0


async def test_bytes_are_in_hand_until_the_commit_and_a_group_is_bounded_by_them(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    await door.post("track", a_call(1))
    memory = door.app.state.group_commit.memory
    monkeypatch.setattr("services.identity.api.collector_commit.GROUP_BYTES", 5_000)
    sizes: list[int] = []
    take = GroupCommit._take

    async def looking(self: GroupCommit, postings: list[Any]) -> Any:
        sizes.append(sum(posting.size for posting in postings))
        assert memory.in_hand >= sizes[-1]
        return await take(self, postings)

    monkeypatch.setattr(GroupCommit, "_take", looking)
    calls = [a_call(n, properties={"text": "x" * 2_000}) for n in range(2, 22)]
    answers = await asyncio.gather(*(door.post("track", call) for call in calls))
    assert all(answer.status_code == 200 for answer in answers)
    assert max(sizes) <= 5_000
    assert memory.in_hand == 0
