"""When grants end: whom to look at then."""

from collections.abc import Iterable
from datetime import datetime

from libs.common.db import Tx, load_sql, statement
from services.profile.domain.keys import PersonKey
from services.profile.store.columns import columns

_EXPECT = """
insert into consent_expiry (workspace_id, person_no, due_at)
select * from unnest(:workspace_ids::int[], :person_nos::int[], :due::timestamptz[])
on conflict do nothing
"""
_DUE = load_sql(__file__, "due_expiries.sql")
_TAKE_DUE = """
delete from consent_expiry q
using unnest(:workspace_ids::int[], :person_nos::int[]) k (workspace_id, person_no)
where q.workspace_id = k.workspace_id and q.person_no = k.person_no and q.due_at <= workspace_now(q.workspace_id)
returning q.workspace_id, q.person_no
"""
_NEXT_DUE = """
select min(due_at) from consent_expiry
where workspace_id = :workspace_id and due_at > workspace_now(:workspace_id)
"""
_OPEN_DUE = (
    "select count(*) from consent_expiry where workspace_id = :workspace_id and due_at <= workspace_now(:workspace_id)"
)


async def expect_expiries(tx: Tx, expiries: Iterable[tuple[int, int, datetime]]) -> None:
    """Ask to look at (workspace, person) again at an instant."""
    await tx.execute(statement(_EXPECT), **columns(("workspace_ids", "person_nos", "due"), sorted(set(expiries))))


async def due_expiries(tx: Tx, limit: int) -> set[PersonKey]:
    """Return up to `limit` persons of all workspaces whose grants have just expired."""
    return {PersonKey(*record) for record in await tx.fetch(_DUE, limit=limit)}


async def take_expiries(tx: Tx, people: Iterable[PersonKey]) -> set[PersonKey]:
    """Take these locked persons off the queue; return those that were on it."""
    keys = columns(("workspace_ids", "person_nos"), sorted(set(people)))
    return {PersonKey(*record) for record in await tx.fetch(statement(_TAKE_DUE), **keys)}


async def next_expiry(tx: Tx, workspace_id: int) -> datetime | None:
    """Return when the next grant of a workspace expires."""
    instant: datetime | None = await tx.fetch_value(statement(_NEXT_DUE), workspace_id=workspace_id)
    return instant


async def open_expiries(tx: Tx, workspace_id: int) -> int:
    """Return how many expiries are due and not looked at."""
    count: int = await tx.fetch_value(statement(_OPEN_DUE), workspace_id=workspace_id)
    return count
