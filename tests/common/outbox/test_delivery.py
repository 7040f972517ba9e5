"""From outbox to inbox: nothing lost, nothing twice, whatever happens in between."""

import asyncio

import pytest

from libs.common import outbox
from libs.common.bus.port import BusUnavailable, Refused
from libs.common.outbox import rebuild_broker
from tests.common.sample.contracts import NOON, a_note
from tests.common.sample.node import running, until

QUEUED = "select count(*) from outbox_queue"
LOGGED = "select count(*) from outbox_log"


def some_notes(count):
    return [a_note(f"{number:04}", workspace_id=1 + number % 3, person_no=number) for number in range(count)]


async def arrived(node, events):
    texts = sorted(event.text for event in events)

    async def all_there():
        return await node.texts() == texts

    await until(all_there)


async def test_events_arrive_once_and_the_log_is_emptied_after_their_acknowledgement(node):
    events = some_notes(300)
    loop = node.loop()
    async with running(node.relay, loop):
        await node.say(*events)
        await arrived(node, events)

        async def empty():
            return await node.value(QUEUED) == 0 and await node.value(LOGGED) == 0

        await until(empty)
        assert loop.handled_total == 300
        assert await loop.pending() == 0
        assert await loop.watermark(1, NOON) == NOON


async def test_what_is_rolled_back_is_never_said(memory_node):
    async def say_and_fail():
        async with memory_node.database.app.transaction(1) as tx:
            await outbox.add(tx, a_note())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await say_and_fail()
    assert await memory_node.value(QUEUED) == 0


class CrashAfterPublish:
    """A bus whose client dies after the stream took the messages, before the relay hears of it."""

    def __init__(self, bus):
        self._bus = bus

    def __getattr__(self, name):
        return getattr(self._bus, name)

    async def publish(self, messages):
        await self._bus.publish(messages)
        raise ConnectionResetError("died")


async def test_a_crash_between_publish_and_record_loses_and_doubles_nothing(node):
    events = some_notes(100)
    await node.bus.ensure_stream("sample")
    await node.say(*events)
    with pytest.raises(ConnectionResetError):
        await node.new_relay(CrashAfterPublish(node.bus)).publish_once()
    more = [a_note(f"more {number}", person_no=number) for number in range(100)]
    await node.say(*more)
    async with running(node.relay, node.loop()):
        await arrived(node, events + more)


async def test_two_racing_relays_say_everything_once(node):
    events = some_notes(400)
    async with running(node.relay, node.new_relay(), node.new_relay(), node.loop()):
        for position in range(0, 400, 10):
            await node.say(*events[position : position + 10])
        await arrived(node, events)


async def test_two_receivers_of_one_consumer_apply_everything_once(node):
    events = some_notes(400)
    async with running(node.relay, node.loop(), node.loop()):
        for position in range(0, 400, 10):
            await node.say(*events[position : position + 10])
        await arrived(node, events)


async def test_a_message_delivered_again_in_another_cut_is_applied_once(node):
    events = some_notes(60)
    loop = node.loop()
    async with running(node.relay, loop):
        await node.say(*events[:30])
        await arrived(node, events[:30])
        # the same facts said again, cut differently and in another order
        await node.say(*reversed(events))
        await arrived(node, events)
    assert loop.handled_total == 60


async def test_order_within_a_person_is_kept_on_the_way(memory_node):
    seen = []

    async def note(tx, events, runtime):
        seen.extend((event.person_no, int(event.text)) for event in events)

    events = [a_note(str(number), person_no=number % 5) for number in range(200)]
    async with running(memory_node.relay, memory_node.loop(note)):
        for position in range(0, 200, 7):
            await memory_node.say(*events[position : position + 7])

        async def all_seen():
            return len(seen) == 200

        await until(all_seen)
    for person in range(5):
        assert [number for person_no, number in seen if person_no == person] == list(range(person, 200, 5))


async def test_events_wait_while_the_bus_is_away(memory_node):
    events = some_notes(20)
    memory_node.bus.down = True
    async with running(memory_node.relay, memory_node.loop()):
        await memory_node.say(*events)
        await asyncio.sleep(0.2)
        assert await memory_node.value(QUEUED) > 0
        memory_node.bus.down = False
        await arrived(memory_node, events)


async def test_a_full_stream_refuses_and_the_events_wait(memory_node):
    memory_node.bus._max_bytes = 10
    await memory_node.bus.ensure_stream("sample")
    await memory_node.say(a_note())
    with pytest.raises(BusUnavailable, match="maximum bytes"):
        await memory_node.relay.publish_once()
    assert await memory_node.value(QUEUED) == 1
    assert "maximum bytes" in memory_node.relay.last_refusal


async def test_one_refused_message_does_not_hold_the_others_back(memory_node):
    class RefusesSome(CrashAfterPublish):
        async def publish(self, messages):
            answers = await self._bus.publish(messages[1:])
            return [Refused("no"), *answers]

    await memory_node.bus.ensure_stream("sample")
    await memory_node.say(*some_notes(20))
    queued = await memory_node.value(QUEUED)
    relay = memory_node.new_relay(RefusesSome(memory_node.bus))
    assert await relay.publish_once() == queued - 1
    assert await memory_node.value(QUEUED) == 1


async def lose_broker(bus, request):
    """Lose every stream, message and consumer."""
    if hasattr(bus, "wipe"):
        bus.wipe()
    else:
        await bus._jetstream.delete_stream("sample")


async def test_a_wiped_broker_is_rebuilt_from_the_log(node, request):
    slow = asyncio.Event()
    seen_by_slow = []

    async def waits(tx, events, runtime):
        await slow.wait()
        seen_by_slow.extend(event.text for event in events)

    events = some_notes(50)
    late = [a_note("late")]
    async with running(node.relay, node.loop(), node.loop(waits, "on_note_slowly")):
        await node.say(*events)
        await arrived(node, events)
        assert await node.value(LOGGED) > 0, "the slow consumer holds the log"
        await lose_broker(node.bus, request)
        await node.say(*late)
        slow.set()
        await arrived(node, events + late)

        async def slow_has_all():
            return set(seen_by_slow) == {event.text for event in events + late}

        await until(slow_has_all)
        assert len(seen_by_slow) == len(events) + len(late)


async def test_rebuilding_by_command_applies_nothing_twice(node):
    events = some_notes(50)
    slow = asyncio.Event()

    async def waits(tx, events, runtime):
        await slow.wait()

    async def recorded():
        return await node.value(QUEUED) == 0

    async def empty():
        return await node.value(QUEUED) == 0 and await node.value(LOGGED) == 0

    # both are known before anything is said, so that the log waits for the slow one
    await node.bus.ensure_stream("sample")
    for name in ("on_note_written", "on_note_slowly"):
        await node.bus.consumer("sample", f"sample-{name}", "sample.note.written.v1")
    async with running(node.relay, node.loop(), node.loop(waits, "on_note_slowly")):
        try:
            await node.say(*events)
            await arrived(node, events)
            await until(recorded)
            assert await rebuild_broker(node.database.worker) > 0
        finally:
            slow.set()
        await until(empty)
        await arrived(node, events)


async def test_a_stream_that_went_back_gets_its_lost_messages_again(memory_node):
    events = some_notes(10)
    bus = memory_node.bus
    await bus.ensure_stream("sample")
    await bus.consumer("sample", "sample-on_note_written", "sample.note.written.v1")
    relay = memory_node.relay
    await relay.keep_house()
    await memory_node.say(*events[:5])
    await relay.publish_once()
    stream = bus.streams["sample"]
    kept = stream.last_sequence
    await memory_node.say(*events[5:])
    await relay.publish_once()
    # the power went: what came after `kept` was acknowledged and never reached the disk
    for sequence in range(kept + 1, stream.last_sequence + 1):
        stream.held_bytes -= len(stream.messages.pop(sequence).message.payload)
    stream.last_sequence = kept
    stream.seen = {key: number for key, number in stream.seen.items() if number <= kept}
    late = a_note("late")
    await memory_node.say(late)
    async with running(relay, memory_node.loop()):
        await arrived(memory_node, [*events, late])


async def test_messages_that_expired_before_an_acknowledgement_are_said_again(memory_node):
    events = some_notes(30)
    bus = memory_node.bus
    await bus.ensure_stream("sample")
    await bus.consumer("sample", "sample-on_note_written", "sample.note.written.v1")
    await memory_node.say(*events)
    await memory_node.relay.publish_once()
    await memory_node.relay.keep_house()
    state = await bus.stream_state("sample")
    await bus.purge("sample", state.last_sequence)
    async with running(memory_node.relay, memory_node.loop()):
        await arrived(memory_node, events)


async def test_acknowledged_messages_are_purged_from_a_stream_that_fills(memory_node):
    memory_node.bus._max_bytes = 20_000
    async with running(memory_node.relay, memory_node.loop()):
        for start in range(0, 400, 20):
            await memory_node.say(*[a_note(f"{start + number:04}", person_no=number) for number in range(20)])
            await asyncio.sleep(0.05)

        async def all_there():
            return len(await memory_node.texts()) == 400

        await until(all_there)
