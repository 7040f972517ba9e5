"""Joins at risk as rows, by the identifier and who came to it, and what was said of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from libs.common.db import Tx, statement
from libs.common.ids import new_id
from services.identity.store.nodes import Key, columns, number_of

_NOTE = statement(
    "insert into dormant_join (workspace_id, node_no, newcomer_no, join_id, found_at)"
    " select workspace_id, node_no, newcomer_no, join_id, found_at"
    " from unnest(:workspace_ids::int[], :node_nos::int[], :newcomer_nos::int[], :join_ids::uuid[],"
    " :found_ats::timestamptz[]) as found (workspace_id, node_no, newcomer_no, join_id, found_at)"
    " order by workspace_id, node_no, newcomer_no on conflict (workspace_id, node_no, newcomer_no) do nothing"
)
_LIST = statement(
    "select node_no, newcomer_no, join_id, state, found_at, decided_at, author from dormant_join"
    " where workspace_id = :workspace_id and (:state::text is null or state = :state)"
    " and (:before::uuid is null or join_id < :before) order by join_id desc limit :row_limit"
)
_FIND = statement(
    "select node_no, newcomer_no, join_id, state, found_at, decided_at, author from dormant_join"
    " where workspace_id = :workspace_id and join_id = :join_id for update"
)
_DECIDE = statement(
    "update dormant_join set state = :state, decided_at = :now, author = :author"
    " where workspace_id = :workspace_id and join_id = :join_id"
)

JoinState = Literal["open", "fine", "undone"]


class DormantJoinRow(msgspec.Struct, frozen=True, kw_only=True):
    """A join that was at risk when it was made; whether it still is, its links say."""

    node_no: int
    newcomer_no: int
    join_id: UUID
    state: JoinState
    found_at: datetime
    decided_at: datetime | None
    author: str | None


async def note(tx: Tx, found: Mapping[tuple[Key, Key], datetime]) -> None:
    """Note joins as (identifier, newcomer), each once for ever."""
    if not found:
        return
    workspace_ids, node_nos = columns(one for one, _ in found)
    await tx.execute(
        _NOTE,
        workspace_ids=workspace_ids,
        node_nos=node_nos,
        newcomer_nos=[number_of(other) for _, other in found],
        join_ids=[new_id() for _ in found],
        found_ats=list(found.values()),
    )


async def list_rows(
    tx: Tx, *, workspace_id: int, limit: int, state: JoinState | None, before: UUID | None
) -> list[DormantJoinRow]:
    """Return noted joins, the youngest first."""
    rows = await tx.fetch(_LIST, workspace_id=workspace_id, state=state, before=before, row_limit=limit)
    return [DormantJoinRow(**dict(row)) for row in rows]


async def lock(tx: Tx, workspace_id: int, join_id: UUID) -> DormantJoinRow | None:
    """Return a noted join, locked; None when there is none."""
    rows = await tx.fetch(_FIND, workspace_id=workspace_id, join_id=join_id)
    return DormantJoinRow(**dict(rows[0])) if rows else None


async def decide(tx: Tx, workspace_id: int, join_id: UUID, *, state: JoinState, author: str, now: datetime) -> None:
    """Write down what was said of a join."""
    await tx.execute(_DECIDE, workspace_id=workspace_id, join_id=join_id, state=state, author=author, now=now)
