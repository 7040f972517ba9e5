"""A batch of the resolver finds its rows by indexes, whatever is known of how large the tables are."""

import asyncpg
import pytest

from libs.common.db import Tx, statement
from services.identity.store import ingest_queue
from services.identity.usecases.resolve_events import resolve_events
from tests.identity.collection.conftest import Door
from tests.identity.collection.test_collector import a_call

READ_WHOLE = statement(
    "select relname, seq_tup_read from pg_stat_xact_user_tables where seq_tup_read > 0 order by relname"
)
PEOPLE = 60


def calls(turn: int) -> list[dict[str, object]]:
    """Return what people do in their first turn, in that of a new browser, and in that of both again."""
    return [
        a_call(1000 * turn + n, userId=f"user-{n}", anonymousId=f"visitor-{n}-{min(turn, 1)}") for n in range(PEOPLE)
    ]


async def resolve(door: Door, limit: int) -> dict[str, int]:
    """Resolve a batch of the queue; return how many rows were read of tables that were read whole."""
    async with door.runtime.worker_database.transaction([]) as tx:
        before = await read_whole(tx)
        entries = await ingest_queue.claim_entries(tx, limit)
        await tx.see({entry.workspace_id for entry in entries})
        source_of = door.runtime.directory.source
        await resolve_events(tx, entries, door.runtime.parts.graph, source_of=source_of)
        return {name: rows for name, rows in (await read_whole(tx)).items() if rows != before.get(name)}


async def read_whole(tx: Tx) -> dict[str, int]:
    return {row["relname"]: row["seq_tup_read"] for row in await tx.fetch(READ_WHOLE)}


@pytest.mark.parametrize("statistics", ["of an empty store", "of a small store"])
async def test_no_table_that_grows_is_read_whole(door: Door, statistics: str) -> None:
    owner = await asyncpg.connect(door.database.url("owner"))
    if statistics == "of an empty store":
        await owner.execute("vacuum analyze")
    for turn in range(3):
        posted = await door.post("batch", {"batch": [{"type": "track", **one} for one in calls(turn)]}, door.server_key)
        assert posted.status_code == 200
        for _ in range(2):
            # Twice: what is planned for the first half is not kept for the second.
            assert await resolve(door, PEOPLE // 2) == {}, f"turn {turn}"
        if statistics == "of a small store":
            await owner.execute("vacuum analyze")
    await owner.close()
