"""The low mark understates at most: whatever was received before it is applied."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from libs.common import backlog
from tests.common.sample.contracts import NOON, a_note
from tests.common.sample.node import Node


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
