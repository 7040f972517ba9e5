"""What becomes of a batch: the words a handler may answer, and failures it does not foresee."""

import asyncio
from contextlib import suppress

import msgspec
import pytest

from libs.common.bus import Drop, TryLater
from libs.common.bus.apply import MAX_DEATHS
from libs.common.bus.dead_letters import discard, list_dead_letters, replay
from libs.common.bus.port import WORKSPACE_HEADER, Outgoing
from libs.common.errors import Unavailable
from tests.common.sample.contracts import NOON, a_note
from tests.common.sample.node import running, until, write_notes


async def wait_for_texts(node, *texts):
    async def all_there():
        return await node.texts() == sorted(texts)

    await until(all_there)


async def nothing_pending(loop):
    async def done():
        return await loop.pending() == 0

    await until(done)


async def letters(node, workspaces=(1, 2, 3), **options):
    async with node.database.app.transaction(list(workspaces)) as tx:
        return await list_dead_letters(tx, **options)


async def test_only_the_poisoned_event_becomes_a_dead_letter(node):
    events = [a_note(f"{number:02}", workspace_id=1 + number % 2, person_no=number) for number in range(50)]
    poison = a_note("poison", workspace_id=2, person_no=7)
    loop = node.loop()
    async with running(node.relay, loop):
        await node.say(*events[:25], poison, *events[25:])
        await wait_for_texts(node, *(event.text for event in events))
        await nothing_pending(loop)
    (letter,) = await letters(node)
    assert (letter.workspace_id, letter.event_id, letter.consumer) == (2, poison.id, "sample-on_note_written")
    assert letter.reason == "ValueError: this note cannot be read"
    assert msgspec.json.decode(letter.event, type=type(poison)) == poison
    assert (loop.handled_total, loop.dead_total) == (50, 1)
    assert await letters(node, workspaces=[1]) == []


async def test_a_line_that_is_no_event_becomes_a_dead_letter(node):
    await node.bus.ensure_stream("sample")
    good = a_note("good")
    lines = [b"{not json", msgspec.json.encode(good), b'{"id": "x"}', b"\xff\xfe", b"{not json"]
    message = Outgoing("sample.note.written.v1.3", b"\n".join(lines), "odd", {WORKSPACE_HEADER: "1"})
    loop = node.loop()
    async with running(loop):
        await node.bus.publish([message])
        await wait_for_texts(node, "good")
        await nothing_pending(loop)
        again = Outgoing(message.subject, message.payload, "odd again", message.headers)
        await node.bus.publish([again])
        await nothing_pending(loop)
    found = await letters(node)
    assert sorted(letter.event for letter in found) == sorted({b"{not json", b'{"id": "x"}', b"\xff\xfe"})
    assert all(letter.reason.startswith("unreadable") for letter in found)


async def test_a_handler_that_wants_to_wait_gets_the_batch_again(node):
    calls = []

    async def waits_once(tx, events, runtime):
        calls.append(len(events))
        await write_notes(tx, events, runtime)
        if len(calls) == 1:
            raise TryLater(0.1)

    loop = node.loop(waits_once)
    async with running(node.relay, loop):
        await node.say(a_note("one"))
        await wait_for_texts(node, "one")
        await nothing_pending(loop)
    assert calls == [1, 1]


async def test_only_the_events_named_have_to_wait(node):
    held = a_note("held")
    released = False

    async def holds(tx, events, runtime):
        waiting = [event.id for event in events if event.text == "held" and not released]
        if waiting:
            raise TryLater(0.2, events=waiting)
        await write_notes(tx, events, runtime)

    loop = node.loop(holds)
    async with running(node.relay, loop):
        await node.say(a_note("a"), held, a_note("b"))
        await wait_for_texts(node, "a", "b")
        assert await loop.watermark(1, NOON) is None
        released = True
        await wait_for_texts(node, "a", "b", "held")
        await nothing_pending(loop)
    assert await letters(node) == []


async def test_waiting_and_poison_in_one_batch_do_not_disturb_the_others(memory_node):
    held = a_note("held")
    released = False

    async def mixed(tx, events, runtime):
        await write_notes(tx, events, runtime)
        if any(event.text == "held" for event in events) and not released:
            raise TryLater(0.2, events=[held.id])

    loop = memory_node.loop(mixed)
    async with running(memory_node.relay, loop):
        await memory_node.say(a_note("a"), a_note("poison"), held, a_note("b"))
        await wait_for_texts(memory_node, "a", "b")
        released = True
        await wait_for_texts(memory_node, "a", "b", "held")
        await nothing_pending(loop)
    assert [letter.reason for letter in await letters(memory_node)] == ["ValueError: this note cannot be read"]


@pytest.mark.parametrize("named", [True, False])
async def test_a_dropped_event_is_counted_and_gone(memory_node, named):
    async def drops(tx, events, runtime):
        useless = [event.id for event in events if event.text == "useless"]
        if useless:
            raise Drop("nobody needs it", events=useless if named else ())
        await write_notes(tx, events, runtime)

    loop = memory_node.loop(drops)
    async with running(memory_node.relay, loop):
        await memory_node.say(a_note("a"), a_note("useless"), a_note("b"))
        await wait_for_texts(memory_node, "a", "b")
        await nothing_pending(loop)
    assert (loop.handled_total, loop.dropped_total, loop.dead_total) == (2, 1, 0)
    assert await letters(memory_node) == []


async def test_a_neighbour_that_is_away_is_waited_for_and_nothing_is_set_aside(memory_node):
    away = True

    async def asks(tx, events, runtime):
        if away:
            asked.set()
            raise Unavailable("profile is away")
        await write_notes(tx, events, runtime)

    asked = asyncio.Event()
    loop = memory_node.loop(asks)
    async with running(memory_node.relay, loop):
        await memory_node.say(a_note("a"))
        await asyncio.wait_for(asked.wait(), 60)
        assert await loop.pending() == 1
        away = False
        await wait_for_texts(memory_node, "a")
    assert await letters(memory_node) == []


async def test_nothing_is_lost_while_the_database_is_away(node, postgres):
    events = [a_note(f"{number:03}", person_no=number) for number in range(60)]
    loop = node.loop()
    async with running(node.relay, loop):
        await node.say(*events[:30])
        postgres.stop(immediate=True)
        await asyncio.sleep(0.5)
        postgres.start()
        await node.say(*events[30:])

        async def all_there():
            return await node.texts() == [event.text for event in events]

        await until(all_there)
    assert await letters(node) == []


async def live_until_death(loop):
    """Run until the handler "kills" the process, or for a while."""
    await loop.start()
    done, _ = await asyncio.wait([loop._task], timeout=2.5)
    if not done:
        with suppress(asyncio.CancelledError):  # it may die in its last round
            await loop.stop()


@pytest.fixture
def killed(monkeypatch):
    """A killed process does not come to clear its counts."""

    async def keeps_the_counts(tx, consumer_no, sequences):
        """Nothing."""

    monkeypatch.setattr("libs.common.bus.inbox.clear", keeps_the_counts)


async def test_only_the_event_that_ends_the_process_is_set_aside_in_the_end(memory_node, killed):
    deaths = 0

    async def dies(tx, events, runtime):
        nonlocal deaths
        if any(event.text == "deadly" for event in events):
            deaths += 1
            raise asyncio.CancelledError  # as a kill: no answer, no settling
        await write_notes(tx, events, runtime)

    # one person: one message
    await memory_node.say(a_note("a"), a_note("deadly"), a_note("b"), a_note("poison"), a_note("c"))
    await memory_node.say(a_note("fine", person_no=2))
    async with running(memory_node.relay):
        async with asyncio.timeout(120):
            while len(await letters(memory_node)) < 2 or len(await memory_node.texts()) < 4:
                await live_until_death(memory_node.loop(dies, ack_wait_seconds=0.2))
                await asyncio.sleep(0.25)
    assert deaths <= MAX_DEATHS + 4
    assert await memory_node.texts() == ["a", "b", "c", "fine"]
    reasons = {msgspec.json.decode(letter.event)["text"]: letter.reason for letter in await letters(memory_node)}
    assert reasons.keys() == {"deadly", "poison"}
    assert "the process ended" in reasons["deadly"]
    assert reasons["poison"] == "ValueError: this note cannot be read"


@pytest.mark.parametrize("restarted", [False, True])
async def test_after_an_outage_messages_are_handled_together_again(node, restarted):
    sizes = []
    outages = 5

    async def loses_the_database(tx, events, runtime):
        sizes.append(len(events))
        if len(sizes) <= outages:
            await tx.driver.execute("select pg_terminate_backend(pg_backend_pid())")
        await write_notes(tx, events, runtime)

    events = [a_note(f"{number:03}", person_no=number) for number in range(200)]
    await node.say(*events)
    await node.bus.ensure_stream("sample")
    await node.relay.publish_once()

    async def outages_over():
        return len(sizes) >= outages

    loop = node.loop(loses_the_database)
    async with running(loop):
        await until(outages_over)
        if not restarted:
            await until(lambda: all_written(node, events))
            await nothing_pending(loop)
    if restarted:
        loop = node.loop(loses_the_database)
        async with running(loop):
            await until(lambda: all_written(node, events))
            await nothing_pending(loop)
    assert sum(sizes[outages:]) == 200
    assert len(sizes) - outages <= 3
    assert await letters(node) == []
    assert await node.value("select count(*) from inbox_suspect") == 0


async def all_written(node, events):
    return await node.texts() == sorted(event.text for event in events)


async def test_dead_letters_are_replayed_or_given_up(memory_node):
    healed = False

    async def heals(tx, events, runtime):
        if not healed and any(event.text.startswith("sick") for event in events):
            raise ValueError("not yet")
        await write_notes(tx, events, runtime)

    loop = memory_node.loop(heals)
    async with running(memory_node.relay, loop):
        await memory_node.say(a_note("sick 1"), a_note("sick 2"), a_note("well"))
        await wait_for_texts(memory_node, "well")
        await nothing_pending(loop)
    first, second = sorted(await letters(memory_node), key=lambda letter: b"sick 2" in letter.event)
    subscriptions = {loop.consumer_name: loop.subscription}

    async def replayed():
        async with memory_node.database.worker.transaction(1) as tx:
            return await replay(tx, memory_node.runtime, subscriptions, [first.dead_letter_id])

    assert await replayed() == {first.dead_letter_id: "ValueError: not yet"}
    assert {letter.event_id: letter.attempts for letter in await letters(memory_node)} == {
        first.event_id: 2,
        second.event_id: 1,
    }
    healed = True
    assert await replayed() == {first.dead_letter_id: "replayed"}
    assert await replayed() == {}
    async with memory_node.database.app.transaction(1) as tx:
        assert await discard(tx, [second.dead_letter_id, first.dead_letter_id]) == 1
    assert await letters(memory_node) == []
    assert [letter.status for letter in await letters(memory_node, status="discarded")] == ["discarded"]
    assert await memory_node.texts() == ["sick 1", "well"]
