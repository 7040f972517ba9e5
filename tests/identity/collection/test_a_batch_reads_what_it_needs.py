"""A batch of the resolver finds its rows by indexes, whatever is known of how large the tables are."""

from random import Random

import asyncpg
import pytest

from libs.common.db import Tx, statement
from services.identity.store import ingest_queue
from services.identity.usecases.resolve_events import resolve_events
from tests.identity.collection.conftest import Door
from tests.identity.collection.test_collector import a_call

READ = statement(
    "select relname, seq_tup_read as whole, coalesce(idx_tup_fetch, 0) as found from pg_stat_xact_user_tables"
)
PEOPLE = 300
BATCH = 10
MOST = 20
"""Rows of a table that may be read for an event: it names two identifiers, and their region has up to three."""


def calls(turn: int) -> list[dict[str, object]]:
    """Return what people do in their first turn, in that of a new browser, and in that of both again."""
    return [
        a_call(1000 * turn + n, userId=f"user-{n}", anonymousId=f"visitor-{n}-{min(turn, 1)}", type="track")
        for n in range(PEOPLE)
    ]


async def resolve(door: Door, limit: int) -> dict[str, tuple[int, int]]:
    """Resolve a batch of the queue; return the rows of each table that were read whole, and those found by an index."""
    async with door.runtime.worker_database.transaction([], by_index=True) as tx:
        before = await read(tx)
        entries = await ingest_queue.claim_entries(tx, limit)
        await tx.see({entry.workspace_id for entry in entries})
        source_of = door.runtime.directory.source
        await resolve_events(tx, entries, door.runtime.parts.graph, source_of=source_of)
        after = await read(tx)
    # what a connection did a moment ago is still among its counts
    return {
        name: (whole - before.get(name, (0, 0))[0], found - before.get(name, (0, 0))[1])
        for name, (whole, found) in after.items()
    }


async def read(tx: Tx) -> dict[str, tuple[int, int]]:
    return {row["relname"]: (row["whole"], row["found"]) for row in await tx.fetch(READ)}


SHARES = [0, 0.1, 0.3, 0.6, 1]


async def analyze_some(owner: "asyncpg.Connection[asyncpg.Record]", dice: Random) -> None:
    """Analyze as many tables as autovacuum may have come by."""
    tables = await owner.fetch("select relid::regclass::text from pg_stat_user_tables order by 1")
    share = dice.choice(SHARES)
    for (table,) in tables:
        if dice.random() < share:
            await owner.execute(f"analyze {table}")


@pytest.mark.parametrize(
    "statistics", ["none", "of an empty store", "of a small store", *(f"as they come {seed}" for seed in (1, 7, 8))]
)
async def test_a_batch_reads_no_more_than_it_names(door: Door, statistics: str) -> None:
    owner = await asyncpg.connect(door.database.url("owner"))
    dice = Random(statistics)
    if statistics.startswith(("of an empty store", "as they come")):
        await owner.execute("vacuum analyze")
    for turn in range(3):
        for start in range(0, PEOPLE, 100):
            batch = {"batch": calls(turn)[start : start + 100]}
            assert (await door.post("batch", batch, door.server_key)).status_code == 200
        for size in (BATCH, PEOPLE - 2 * BATCH, BATCH):
            # The last one beside many rows of which the planner of the first knew nothing.
            if statistics.startswith("as they come"):
                await analyze_some(owner, dice)
            done = await resolve(door, size)
            assert {name: whole for name, (whole, _) in done.items() if whole} == {}, f"turn {turn}"
            assert {name: found for name, (_, found) in done.items() if found > MOST * size} == {}, f"turn {turn}"
        if statistics == "of a small store":
            await owner.execute("vacuum analyze")
    await owner.close()
