"""Regions to look at again: claimed by workers, gone with the claiming transaction's commit."""

from collections.abc import Mapping
from datetime import datetime

from libs.common.db import Tx, load_sql, statement
from services.identity.store.nodes import Key, columns, key

_SCHEDULE = load_sql(__file__, "schedule_regions.sql")
_CLAIM = load_sql(__file__, "claim_regions.sql")
_NEXT = statement("select min(due_at) from region_due where workspace_id = :workspace_id")
_DUE = statement("select count(*) from region_due where workspace_id = :workspace_id and due_at <= :now")
_ALL = statement(
    "insert into region_due as d (workspace_id, node_no, due_at, reread)"
    " select workspace_id, node_no, :now, true from node where workspace_id = :workspace_id order by 1, 2"
    " on conflict (workspace_id, node_no) do update set due_at = least(d.due_at, excluded.due_at), reread = true"
)


async def schedule(tx: Tx, due: Mapping[Key, datetime]) -> None:
    """Have the regions of nodes looked at again at these instants, or earlier where that was planned."""
    if due:
        workspace_ids, node_nos = columns(due)
        await tx.execute(_SCHEDULE, workspace_ids=workspace_ids, node_nos=node_nos, due_ats=list(due.values()))


async def schedule_all(tx: Tx, workspace_id: int, now: datetime) -> int:
    """Have every region of a workspace added up anew; return the number of identifiers."""
    return await tx.execute(_ALL, workspace_id=workspace_id, now=now)


async def claim(tx: Tx, limit: int) -> dict[Key, bool]:
    """Take nodes whose regions are due off the queue (worker role); True where evidence must be added up anew."""
    return {key(row[0], row[1]): row[2] for row in await tx.fetch(_CLAIM, limit=limit)}


async def next_due(tx: Tx, workspace_id: int) -> datetime | None:
    """Return the earliest instant at which a region of the workspace is due."""
    due: datetime | None = await tx.fetch_value(_NEXT, workspace_id=workspace_id)
    return due


async def count_due(tx: Tx, workspace_id: int, now: datetime) -> int:
    """Count the nodes of a workspace whose regions are due and not looked at yet."""
    return int(await tx.fetch_value(_DUE, workspace_id=workspace_id, now=now))
