"""A small running service: outbox, relay and subscriptions over one database and a bus."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

from libs.common import outbox
from libs.common.bus import Subscription, SubscriptionLoop
from libs.common.db import statement
from libs.common.ids import new_id
from libs.common.outbox import Relay
from tests.common.sample.contracts import NoteWritten

WRITE = statement(
    "insert into note (workspace_id, note_id, body) "
    "select w, i, jsonb_build_object('text', t) "
    "from unnest(:workspaces::int[], :ids::uuid[], :texts::text[]) n (w, i, t)"
)


async def write_notes(tx, events, runtime):
    """Write one row per event, without looking whether it is there: a double delivery would show."""
    for event in events:
        if event.text == "poison":
            raise ValueError("this note cannot be read")
    await tx.execute(
        WRITE,
        workspaces=[event.workspace_id for event in events],
        ids=[new_id() for _ in events],
        texts=[event.text for event in events],
    )


class Node:
    def __init__(self, database, bus):
        self.database = database
        self.bus = bus
        self.runtime = SimpleNamespace(service="sample", bus=bus, worker_database=database.worker)
        self.relay = self.new_relay()

    def new_relay(self, bus=None):
        return Relay(self.database.worker, bus or self.bus, "sample", idle_seconds=0.02, house_seconds=0.2)

    def loop(self, handle=write_notes, name="on_note_written", **options):
        subscription = Subscription(contract=NoteWritten, handle=handle, name=name, **options)
        return SubscriptionLoop(subscription, self.runtime)

    async def say(self, *events):
        async with self.database.app.transaction(sorted({event.workspace_id for event in events})) as tx:
            await outbox.add(tx, events)

    async def texts(self, workspaces=(1, 2, 3)):
        async with self.database.app.transaction(list(workspaces)) as tx:
            rows = await tx.fetch(statement("select body->>'text' as text from note"))
        return sorted(row["text"] for row in rows)

    async def value(self, sql, workspaces=(1, 2, 3)):
        async with self.database.worker.transaction(list(workspaces)) as tx:
            return await tx.fetch_value(statement(sql))


@asynccontextmanager
async def running(*parts):
    for part in parts:
        await part.start()
    try:
        yield
    finally:
        for part in parts:
            await part.stop()


async def until(condition, seconds=60.0):
    """Wait for an async condition; fail with its last value. The patience is for a busy machine."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not (value := await condition()):
        assert asyncio.get_running_loop().time() < deadline, f"never became true: {value!r}"
        await asyncio.sleep(0.02)
    return value
