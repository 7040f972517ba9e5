"""More than can be taken is refused early, and only to the one that sends it."""

import asyncio
from typing import Any

import pytest

from services.identity.api.collector_commit import GroupCommit
from tests.identity.collection.conftest import Door
from tests.identity.collection.test_collector import a_call


async def test_only_the_noisy_source_is_slowed(door: Door) -> None:
    _, noisy = await door.a_source(key="noisy", name="Noisy", quota_per_second=5)
    answers = [await door.post("track", a_call(n), noisy) for n in range(30)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 10 <= 30 - len(refused) <= 20
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert (await door.post("track", a_call(99))).status_code == 200
    assert (await door.counts())["accepted"] == 31 - len(refused)


async def test_a_batch_larger_than_the_quota_still_passes_now_and_then(door: Door) -> None:
    _, small = await door.a_source(key="small", name="Small", quota_per_second=5)
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
