"""The low mark understates at most: whatever was received before it is applied."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common import backlog
from libs.common.bus import TryLater
from libs.common.bus.checkpoints import Checkpoints
from tests.common.sample.contracts import NOON, a_note
from tests.common.sample.node import Node, running, until, write_notes


@pytest.fixture
async def node(database_of, memory_bus):
    return Node(await database_of("sample"), memory_bus)


def runtime_of(node, *subscriptions, now=NOON + timedelta(hours=1)):
    return SimpleNamespace(
        now=lambda workspace_id: now,
        subscriptions=list(subscriptions),
        loops={},
        worker_database=node.database.worker,
    )


async def test_a_row_that_is_not_said_yet_holds_the_mark_at_its_earliest_event(node):
    earliest = NOON - timedelta(minutes=5)
    await node.say(a_note("late"), a_note("early", received_at=earliest), a_note("late"))
    assert await backlog.watermark(runtime_of(node), 1) == earliest


async def test_a_message_older_than_the_last_one_applied_holds_the_mark(node):
    old, young = a_note("old", received_at=NOON - timedelta(hours=2)), a_note("young", person_no=2)
    allowed = {"young"}

    async def holds(tx, events, runtime):
        waiting = [event.id for event in events if event.text not in allowed]
        if waiting:
            raise TryLater(0.2, events=waiting)
        await write_notes(tx, events, runtime)

    loop = node.loop(holds)
    async with running(node.relay, loop):
        await node.say(a_note("first"))
        allowed.add("first")
        await until(lambda: empty(loop))
        assert await backlog.watermark(runtime_of(node, loop, now=NOON), 1) == NOON
        await node.say(old)
        await until(lambda: in_hand(loop))
        await node.say(young)
        await until(lambda: wrote(node, "young"))
        later = NOON + timedelta(hours=1)
        assert await backlog.watermark(runtime_of(node, loop, now=later), 1) == NOON
        allowed.add("old")
        await until(lambda: empty(loop))
        assert await backlog.watermark(runtime_of(node, loop, now=later), 1) == later


async def test_the_mark_moves_on_while_more_and_more_arrives(node):
    gate = asyncio.Semaphore(0)

    async def slow(tx, events, runtime):
        await gate.acquire()
        await write_notes(tx, events, runtime)

    loop = node.loop(slow, batch_events=1)
    async with running(node.relay, loop):
        await node.say(a_note("a"))
        await until(lambda: in_hand(loop))
        assert await loop.watermark(1, NOON) is None
        await node.say(a_note("b"))
        await until(lambda: outstanding(loop, 2))
        gate.release()
        await until(lambda: wrote(node, "a"))
        await until(lambda: outstanding(loop, 1))
        assert await loop.watermark(1, NOON + timedelta(hours=1)) == NOON
        gate.release()
        await until(lambda: empty(loop))
        assert await loop.watermark(1, NOON + timedelta(hours=2)) == NOON + timedelta(hours=2)


LOOKS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 10)), max_size=300)


@given(LOOKS)
def test_checkpoints_never_overstate_and_come_to_the_end(steps):
    """Each step appends messages and acknowledges some, in order; the instant is the number of the step."""
    checkpoints = Checkpoints()
    end = floor = 0
    ends: list[int] = []
    for number, (said, applied) in enumerate(steps):
        end += said
        floor = min(end, floor + applied)
        ends.append(end)
        checkpoints.pass_floor(1, floor, NOON)
        checkpoints.note(1, NOON + timedelta(seconds=number), end, NOON)
        reached = checkpoints.reached(1)
        if reached is not None:
            assert ends[int((reached - NOON).total_seconds())] <= floor
    if steps:
        checkpoints.pass_floor(1, end, NOON)
        assert checkpoints.reached(1) == NOON + timedelta(seconds=len(steps) - 1)


def test_a_wiped_stream_says_nothing_about_the_old_one():
    checkpoints = Checkpoints()
    checkpoints.note(1, NOON, 5, stream=NOON)
    checkpoints.note(1, NOON + timedelta(seconds=1), 1, stream=NOON + timedelta(days=1))
    checkpoints.pass_floor(1, 0, stream=NOON + timedelta(days=1))
    checkpoints.pass_floor(1, 9, stream=NOON)
    assert checkpoints.reached(1) is None


async def empty(loop):
    return await loop.pending() == 0


async def in_hand(loop):
    # a loop that has just begun has no consumer yet
    return loop.in_hand > 0 or (loop._consumer is not None and (await loop._consumer.state()).ack_pending > 0)


async def outstanding(loop, count):
    return await loop.pending() == count


async def wrote(node, text):
    return text in await node.texts()
