"""Whoever looks at a quarantine reads what waits, however much was ever held in the workspace."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from libs.common.db import Tx, statement
from services.identity.store import holds
from services.identity.store.nodes import key
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.worlds import DENSE

GENERIC = statement("set local plan_cache_mode = force_generic_plan")
"""The plan of a statement that was run often: it does not see what it is asked for."""
DECIDED = statement(
    "insert into held_link (workspace_id, low_no, high_no, hold_id, state, reason, cause_no, source_id, held_at)"
    " select :workspace_id, n, n + 1, gen_random_uuid(), 'released', 'rate', n, 1, now()"
    " from generate_series(1, 20000) as n"
)
HELD = statement(
    "insert into held_link (workspace_id, low_no, high_no, hold_id, state, reason, cause_no, source_id, held_at)"
    " select :workspace_id, :node_no, :node_no + 10 * n, gen_random_uuid(), 'held', 'rate', :node_no, 1, now()"
    " from generate_series(1, 10) as n"
)
THROTTLED = statement(
    "insert into held_link (workspace_id, low_no, high_no, hold_id, state, reason, source_id, held_at)"
    " select :workspace_id, 40000 + n, 60000 + n, gen_random_uuid(), 'throttled', 'source_rate', :source_id, now()"
    " from generate_series(1 + 1000 * :source_id, 1000 * :source_id + :links) as n"
)
STRAYS = statement(
    "insert into stray_identifier (workspace_id, node_no, source_id, state, held_at)"
    " select :workspace_id, n, 1, 'open', now() from generate_series(1, 4000) as n"
)
READ = statement(
    "select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::int from pg_stat_xact_user_tables"
    " where relname in ('held_link', 'stray_identifier')"
)
BY_ID = statement("select hold_id from held_link where low_no = 30000 order by high_no limit 3")


@asynccontextmanager
async def a_quarantine(graph: Graph) -> AsyncIterator[Tx]:
    """Where much was held: 20,000 links are decided about, 10 each at two identifiers and 600 of two sources wait."""
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        await tx.execute(DECIDED, workspace_id=WORKSPACE)
        for node_no in (3_000, 30_000):
            await tx.execute(HELD, workspace_id=WORKSPACE, node_no=node_no)
        for source_id, links in ((2, 500), (3, 100)):
            await tx.execute(THROTTLED, workspace_id=WORKSPACE, source_id=source_id, links=links)
        await tx.execute(STRAYS, workspace_id=WORKSPACE)
    owner = await asyncpg.connect(graph.database.url("owner"))
    try:
        await owner.execute("analyze identity.held_link, identity.stray_identifier")
    finally:
        await owner.close()
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        await tx.execute(GENERIC)
        yield tx


async def rows_read(tx: Tx, ask: Callable[[], Awaitable[Any]]) -> tuple[Any, int]:
    """Return an answer, and how many rows of the quarantine were read for it."""
    before = await tx.fetch_value(READ)
    found = await ask()
    return found, await tx.fetch_value(READ) - before


async def test_links_that_wait_are_found_without_reading_those_decided_about(graph_of: Any) -> None:
    async with a_quarantine(await graph_of(DENSE)) as tx:

        async def asked(*hold_ids: UUID, node: int = 0, source: int = 0, limit: int = 50) -> tuple[Any, int]:
            return await rows_read(
                tx,
                lambda: holds.open_pairs(
                    tx, WORKSPACE, hold_ids=hold_ids, node_nos=[node] if node else [],
                    source_ids=[source] if source else [], limit=limit,
                ),
            )  # fmt: skip

        held = [(key(WORKSPACE, 30_000), key(WORKSPACE, 30_000 + 10 * one)) for one in range(1, 11)]
        named = [row["hold_id"] for row in await tx.fetch(BY_ID)]
        assert await asked(*named) == (held[:3], 3)
        assert await asked(node=30_000) == (held, 10)
        assert await asked(node=30_040) == (held[3:4], 1)
        found, read = await asked(*named, node=30_040, source=3, limit=200)
        assert (found[:4], len(found)) == (held[:4], 104)
        assert read == 104
        found, read = await asked(source=2, limit=20)
        assert (len(found), read) == (20, 20)


async def test_a_page_of_causes_counts_the_links_of_its_own(graph_of: Any) -> None:
    async with a_quarantine(await graph_of(DENSE)) as tx:

        async def page(after: tuple[int, int], limit: int = 5) -> tuple[list[tuple[int | None, int, int]], int]:
            rows, read = await rows_read(
                tx, lambda: holds.list_causes(tx, workspace_id=WORKSPACE, limit=limit, after=after)
            )
            return [(row.node_no, row.source_id, row.links) for row in rows], read

        found, read = await page((0, -(2**31)))
        assert found == [(None, 2, 500), (None, 3, 100), (1, 1, 0), (2, 1, 0), (3, 1, 0)]
        assert read < 650
        found, read = await page((0, 2), limit=1)
        assert found == [(None, 3, 100)]
        assert read < 150
        found, read = await page((2_999, 1))
        assert found == [(3_000, 1, 10), *((node, 1, 0) for node in range(3_001, 3_005))]
        assert read < 50
