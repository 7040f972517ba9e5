"""What every bus keeps: the real one and the one in memory pass the same tests."""

import asyncio

import pytest

from libs.common.bus.port import BusUnavailable, ConsumerLost, Outgoing, Published, Refused

SUBJECT = "sample.note.written.v1"


def message(number, pp=0, subject=SUBJECT):
    return Outgoing(f"{subject}.{pp}", b"%d" % number, f"id-{subject}-{number}", {"Rapport-Workspace": "7"})


async def fetch(consumer, count=1, limit=100, seconds=5.0):
    taken = []
    while len(taken) < count:
        got = await consumer.fetch(limit, seconds)
        if not got:
            break
        taken += got
    return taken


async def test_messages_come_in_order_with_their_headers_from_every_partition(bus):
    await bus.ensure_stream("sample")
    answers = await bus.publish([message(number, pp=number % 16) for number in range(40)])
    assert all(isinstance(answer, Published) for answer in answers)
    assert [answer.sequence for answer in answers] == list(range(1, 41))
    consumer = await bus.consumer("sample", "reader-on_note", SUBJECT)
    taken = await fetch(consumer, 40)
    assert [int(delivery.payload) for delivery in taken] == list(range(40))
    assert taken[0].headers["Rapport-Workspace"] == "7"
    assert [delivery.attempt for delivery in taken] == [1] * 40
    for delivery in taken:
        await delivery.ack()
    assert await consumer.fetch(10, 0.2) == []


async def test_a_fetch_returns_as_soon_as_there_is_one_message(bus):
    await bus.ensure_stream("sample")
    consumer = await bus.consumer("sample", "reader-on_note", SUBJECT)
    waiting = asyncio.create_task(consumer.fetch(100, 5.0))
    await asyncio.sleep(0.1)
    await bus.publish([message(1)])
    assert len(await asyncio.wait_for(waiting, 10.0)) == 1


async def test_the_same_message_id_is_stored_once(bus):
    await bus.ensure_stream("sample")
    first = await bus.publish([message(1)])
    second = await bus.publish([message(1)])
    assert first == [Published(1)]
    assert second == [Published(1, duplicate=True)]


async def test_a_nak_brings_the_message_again_after_its_delay(bus):
    await bus.ensure_stream("sample")
    consumer = await bus.consumer("sample", "reader-on_note", SUBJECT)
    await bus.publish([message(1), message(2)])
    first, second = await fetch(consumer, 2)
    await first.nak(1.5)
    await second.ack()
    assert await consumer.fetch(10, 0.1) == []
    (again,) = await fetch(consumer)
    assert (again.payload, again.attempt) == (b"1", 2)
    await again.term()
    assert await consumer.fetch(10, 0.2) == []


async def test_a_message_without_an_answer_comes_again_unless_it_is_in_progress(bus):
    await bus.ensure_stream("sample")
    consumer = await bus.consumer("sample", "reader-on_note", SUBJECT, ack_wait_seconds=2.0)
    await bus.publish([message(1), message(2)])
    lost, kept = await fetch(consumer, 2)
    again = []
    async with asyncio.timeout(60):
        while not again:
            await kept.in_progress()
            again = await consumer.fetch(10, 0.2)
    assert [delivery.payload for delivery in again] == [lost.payload]


async def test_two_fetchers_of_one_consumer_share_the_messages(bus):
    await bus.ensure_stream("sample")
    one = await bus.consumer("sample", "reader-on_note", SUBJECT)
    two = await bus.consumer("sample", "reader-on_note", SUBJECT)
    await bus.publish([message(number) for number in range(20)])
    taken = []
    while len(taken) < 20:
        taken += [*await one.fetch(5, 1.0), *await two.fetch(5, 1.0)]
    assert sorted(int(delivery.payload) for delivery in taken) == list(range(20))


async def test_the_acknowledged_floor_stops_below_what_is_open(bus):
    await bus.ensure_stream("sample")
    consumer = await bus.consumer("sample", "reader-on_note", SUBJECT)
    await bus.consumer("sample", "other-on_note", SUBJECT)
    await bus.publish([message(number) for number in range(5)])
    taken = await fetch(consumer, 5)
    for position in (0, 1, 3, 4):
        await taken[position].ack()
    state = await eventually(bus, "reader-on_note", lambda state: state.ack_pending == 1)
    assert (state.ack_floor, state.pending, state.filter_subject) == (2, 0, f"{SUBJECT}.*")
    await taken[2].ack()
    state = await eventually(bus, "reader-on_note", lambda state: state.ack_pending == 0)
    assert state.ack_floor == 5
    states = {state.name: state for state in await bus.consumers("sample")}
    assert (states["other-on_note"].ack_floor, states["other-on_note"].pending) == (0, 5)


async def eventually(bus, name, holds):
    async with asyncio.timeout(60):
        while True:
            state = next(state for state in await bus.consumers("sample") if state.name == name)
            if holds(state):
                return state
            await asyncio.sleep(0.02)


async def test_other_subjects_do_not_reach_a_consumer(bus):
    await bus.ensure_stream("sample")
    consumer = await bus.consumer("sample", "reader-on_note", SUBJECT)
    await bus.publish([message(1, subject="sample.note.erased.v1"), message(2)])
    assert [delivery.payload for delivery in await fetch(consumer)] == [b"2"]


async def test_a_consumer_that_is_gone_says_so(bus):
    await bus.ensure_stream("sample")
    consumer = await bus.consumer("sample", "reader-on_note", SUBJECT)
    if hasattr(bus, "wipe"):
        bus.wipe()
    else:
        await bus._jetstream.delete_stream("sample")
    with pytest.raises(ConsumerLost):
        await consumer.fetch(1, 3.0)


async def test_a_publish_to_a_missing_stream_is_refused_with_a_reason(bus):
    (answer,) = await bus.publish([message(1)])
    assert isinstance(answer, Refused)
    assert "stream" in answer.reason.lower()
    with pytest.raises(BusUnavailable):
        await bus.stream_state("sample")


async def test_purged_messages_are_gone(bus):
    await bus.ensure_stream("sample")
    await bus.publish([message(number) for number in range(5)])
    full = await bus.stream_state("sample")
    await bus.publish([message(4)])
    assert (await bus.stream_state("sample")).bytes == full.bytes, "a second copy takes no room"
    await bus.purge("sample", 4)
    state = await bus.stream_state("sample")
    assert (state.first_sequence, state.last_sequence) == (4, 5)
    assert 0 < state.bytes < full.bytes
    consumer = await bus.consumer("sample", "reader-on_note", SUBJECT)
    assert [delivery.payload for delivery in await fetch(consumer, 2)] == [b"3", b"4"]


async def test_a_bucket_gives_its_values_and_then_the_changes(bus):
    bucket = await bus.key_value("access")
    assert await bucket.get("key.1") is None
    await bucket.put("key.1", b"one")
    await bucket.put("key.2", b"two")
    assert await bucket.get("key.1") == b"one"
    seen = []

    async def follow():
        async for item in bucket.watch():
            seen.append(item)
            if len(seen) == 3:
                return

    following = asyncio.create_task(follow())
    async with asyncio.timeout(20):
        while len(seen) < 2:
            await asyncio.sleep(0.02)
    await bucket.put("key.1", b"three")
    await asyncio.wait_for(following, 20.0)
    assert sorted(seen[:2]) == [("key.1", b"one"), ("key.2", b"two")]
    assert seen[2] == ("key.1", b"three")


async def test_a_watch_begun_before_the_bucket_exists_sees_its_first_value(bus):
    bucket = await bus.key_value("access")
    watch = bucket.watch()
    first = asyncio.create_task(anext(watch))
    await asyncio.sleep(0.1)
    await bucket.put("key.1", b"one")
    assert await asyncio.wait_for(first, 20.0) == ("key.1", b"one")
    await watch.aclose()


async def test_readiness_needs_an_acknowledged_publish(bus):
    await bus.ensure_stream("sample")
    await bus.ready()
    await bus.ready()
