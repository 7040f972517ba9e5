"""Rebuilding the broker by command."""

import asyncio
import os
import sys

from tests.common.sample.contracts import a_note


async def test_the_command_queues_the_log_again(memory_node):
    await memory_node.bus.ensure_stream("sample")
    await memory_node.say(a_note())
    await memory_node.relay.publish_once()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "libs.common.outbox.rebuild", "sample",
        env={**os.environ, "SAMPLE_WORKER_DATABASE_URL": memory_node.database.url("worker")},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert output.decode().strip() == "sample: 1 rows queued again"
    assert await memory_node.value("select count(*) from outbox_queue") == 1
