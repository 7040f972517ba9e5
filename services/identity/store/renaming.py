"""Evidence under ids it was given before, and the queue of passes that rename it, chunk by chunk."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.db import Tx, load_sql, statement
from services.identity.domain.twins import TWIN_SOURCE

_RENAME = load_sql(__file__, "rename_evidence.sql")
_DROP = load_sql(__file__, "drop_said_twice.sql")
# by the wall clock: processes are replaced in its time
_CLAIM = statement(
    "select workspace_id, due_at, after_id from renaming_queue where due_at <= clock_timestamp()"
    " order by due_at, workspace_id limit 1 for update skip locked"
)
_ADVANCE = statement(
    "update renaming_queue set after_id = :after_id where workspace_id = :workspace_id and due_at = :due_at"
)
_END = statement("delete from renaming_queue where workspace_id = :workspace_id and due_at = :due_at")
_OPEN = statement(
    "select count(*) from renaming_queue where workspace_id = :workspace_id and due_at <= clock_timestamp()"
)
_LAST = statement(
    "select event_id from (select event_id from evidence where workspace_id = :workspace_id and event_id > :after_id"
    " order by event_id limit :row_limit) chunk order by event_id desc limit 1"
)
_DERIVED = statement(
    "select event_id, node_nos from evidence where workspace_id = :workspace_id and event_id > :after_id"
    f" and event_id <= :last_id and source_id = {TWIN_SOURCE} and part = 0 and cardinality(node_nos) = 2"
)


class Pass(msgspec.Struct, frozen=True):
    """A pass over a workspace's evidence, and the last id that was looked at."""

    workspace_id: int
    due_at: datetime
    after_id: UUID


class Derived(msgspec.Struct, frozen=True):
    """Evidence that follows from the values of two identifiers, by their numbers."""

    event_id: UUID
    node_nos: tuple[int, int]


async def claim(tx: Tx) -> Pass | None:
    """Return the oldest pass that is due, locked (worker role); None when there is none, or others hold them."""
    row = await tx.fetch_one(_CLAIM)
    return Pass(**dict(row)) if row is not None else None


async def last_of_chunk(tx: Tx, one: Pass, limit: int) -> UUID | None:
    """Return the id up to which the next `limit` rows go; None when all were looked at."""
    found: UUID | None = await tx.fetch_value(
        _LAST, workspace_id=one.workspace_id, after_id=one.after_id, row_limit=limit
    )
    return found


async def derived(tx: Tx, one: Pass, last_id: UUID) -> list[Derived]:
    """Return what nobody sent among the rows of a pass up to an id."""
    rows = await tx.fetch(_DERIVED, workspace_id=one.workspace_id, after_id=one.after_id, last_id=last_id)
    return [Derived(row["event_id"], tuple(row["node_nos"])) for row in rows]


async def rename(tx: Tx, workspace_id: int, ids: Sequence[tuple[UUID, UUID]]) -> None:
    """Give facts of one part their new ids, (old, new); whoever holds their identifiers may.

    What was said under its new id as well becomes one fact, and counts once.
    """
    rows = await tx.fetch(_DROP, workspace_id=workspace_id, event_ids=[new for _, new in ids])
    twice = {row["event_id"]: row["first_received_at"] for row in rows}
    await tx.execute(
        _RENAME, workspace_id=workspace_id, old_ids=[old for old, _ in ids], new_ids=[new for _, new in ids],
        received_ats=[twice.get(new) for _, new in ids],
    )  # fmt: skip


async def advance(tx: Tx, one: Pass, after_id: UUID) -> None:
    """Note how far a pass is."""
    await tx.execute(_ADVANCE, workspace_id=one.workspace_id, due_at=one.due_at, after_id=after_id)


async def end(tx: Tx, one: Pass) -> None:
    """Note that a pass is through."""
    await tx.execute(_END, workspace_id=one.workspace_id, due_at=one.due_at)


async def count_open(tx: Tx, workspace_id: int) -> int:
    """Count the passes that are due and not through."""
    return int(await tx.fetch_value(_OPEN, workspace_id=workspace_id))
