"""Regions to look at again: claimed by workers, gone with the claiming transaction's commit."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from libs.common.db import Tx, load_sql, statement
from services.identity.store.nodes import Key, columns, key

_SCHEDULE = load_sql(__file__, "schedule_regions.sql")
_CLAIM = load_sql(__file__, "claim_regions.sql")
_NEXT = statement("select min(due_at) from region_due where workspace_id = :workspace_id")
_DUE = statement("select count(*) from region_due where workspace_id = :workspace_id and due_at <= :now")
_ALL = statement(
    "insert into region_due as d (workspace_id, node_no, due_at, reread, glance)"
    " select workspace_id, node_no, :now, :reread, not :reread from node where workspace_id = :workspace_id"
    " order by workspace_id, node_no"
    " on conflict (workspace_id, node_no) do update set due_at = least(d.due_at, excluded.due_at),"
    " reread = d.reread or excluded.reread, glance = d.glance and excluded.glance"
)
_REREAD = statement(
    "insert into region_due as d (workspace_id, node_no, due_at, reread, glance)"
    " select workspace_id, node_no, :now, true, false from node"
    " where workspace_id = :workspace_id and node_no = any(:node_nos::int[]) order by workspace_id, node_no"
    " on conflict (workspace_id, node_no) do update set due_at = least(d.due_at, excluded.due_at),"
    " reread = true, glance = false"
)
_SETTLING = statement(
    "select node_no from region_due where workspace_id = :workspace_id and node_no = any(:node_nos::int[])"
    " and due_at <= :now"
)


@dataclass(frozen=True, slots=True)
class Turn:
    """How the region of a node is looked at: `reread`: its evidence is added up anew; `glance`: a crowded hub that
    stays one need not be walked, because it lost some links or nothing but a threshold or a cap changed."""

    reread: bool = False
    glance: bool = False


async def schedule(tx: Tx, due: Mapping[Key, datetime], *, glance: bool = False) -> None:
    """Have the regions of nodes looked at again at these instants, or earlier where that was planned."""
    if due:
        workspace_ids, node_nos = columns(due)
        due_ats = list(due.values())
        await tx.execute(_SCHEDULE, workspace_ids=workspace_ids, node_nos=node_nos, due_ats=due_ats, glance=glance)


async def schedule_all(tx: Tx, workspace_id: int, now: datetime, *, reread: bool = True) -> int:
    """Have every region of a workspace looked at, with `reread` added up anew; return the number of identifiers."""
    return await tx.execute(_ALL, workspace_id=workspace_id, now=now, reread=reread)


async def reread(tx: Tx, workspace_id: int, node_nos: Collection[int], now: datetime) -> int:
    """Have the regions of nodes added up anew from their evidence; return how many of the nodes there are."""
    return await tx.execute(_REREAD, workspace_id=workspace_id, node_nos=list(node_nos), now=now)


async def settling(tx: Tx, workspace_id: int, node_nos: Collection[int], now: datetime) -> set[int]:
    """Return those nodes whose regions are due and were not looked at yet."""
    rows = await tx.fetch(_SETTLING, workspace_id=workspace_id, node_nos=list(node_nos), now=now)
    return {row["node_no"] for row in rows}


async def claim(tx: Tx, limit: int) -> dict[Key, Turn]:
    """Take nodes whose regions are due off the queue (worker role)."""
    return {key(row[0], row[1]): Turn(row[2], row[3]) for row in await tx.fetch(_CLAIM, limit=limit)}


async def next_due(tx: Tx, workspace_id: int) -> datetime | None:
    """Return the earliest instant at which a region of the workspace is due."""
    due: datetime | None = await tx.fetch_value(_NEXT, workspace_id=workspace_id)
    return due


async def count_due(tx: Tx, workspace_id: int, now: datetime) -> int:
    """Count the nodes of a workspace whose regions are due and not looked at yet."""
    return int(await tx.fetch_value(_DUE, workspace_id=workspace_id, now=now))
