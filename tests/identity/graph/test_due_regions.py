"""Regions are looked at again when they are due, and the others cost nothing until then."""

from datetime import UTC, datetime, timedelta

import pytest

from libs.common.db import Tx, statement
from services.identity.store import regions
from services.identity.store.nodes import key
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.worlds import DENSE

NOW = datetime.now(UTC)
MANY = 3_000
READ = statement(
    "select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::int from pg_stat_xact_user_tables"
    " where relname = 'region_due'"
)
CLOCK = statement(
    "insert into workspace (workspace_id, key, name, driven_now) values (:workspace_id, 'due', 'Due', :now)"
    " on conflict (workspace_id) do update set driven_now = :now"
)


async def claimed(tx: Tx, limit: int) -> tuple[set[int], int]:
    """Return the regions that were taken, and how many were read for it."""
    before = await tx.fetch_value(READ)
    found = await regions.claim(tx, limit)
    return set(found), await tx.fetch_value(READ) - before


@pytest.mark.parametrize("driven", [None, NOW + timedelta(days=100)])
async def test_only_regions_that_are_due_are_read(graph_of, driven: datetime | None) -> None:
    graph: Graph = await graph_of(DENSE)
    now = driven or NOW
    late = {key(WORKSPACE, one): now - timedelta(hours=one) for one in range(1, 6)}
    early = {key(WORKSPACE, one): now + timedelta(days=1, seconds=one) for one in range(10, 10 + MANY)}
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        await tx.execute(CLOCK, now=driven, workspace_id=WORKSPACE)
        await regions.schedule(tx, late | early)
    for expected in (sorted(late)[2:], sorted(late)[:2], []):
        async with graph.database.worker.transaction([], by_index=True) as tx:
            found, read = await claimed(tx, 3)
        assert (found, read <= 20) == (set(expected), True), read
