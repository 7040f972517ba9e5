"""Identifiers to look through because other spellings denote one than before: claimed by a worker, chunk by chunk."""

from collections.abc import Sequence

import msgspec

from libs.common.db import Tx, statement
from services.identity.store.nodes import COLUMNS, NodeRow, read_row

_QUEUE = statement("insert into respelling_queue (workspace_id, version) values (:workspace_id, :version)")
_CLAIM = statement(
    "select q.workspace_id, q.version, q.after_no from respelling_queue q"
    " join workspace w on w.workspace_id = q.workspace_id where not w.held"
    " order by q.version, q.workspace_id limit 1 for update of q skip locked"
)
_ADVANCE = statement(
    "update respelling_queue set after_no = :after_no where workspace_id = :workspace_id and version = :version"
)
_END = statement("delete from respelling_queue where workspace_id = :workspace_id and version = :version")
_OPEN = statement("select count(*) from respelling_queue where workspace_id = :workspace_id")
_NODES = statement(
    f"select {COLUMNS} from node n"
    " where n.workspace_id = :workspace_id and n.node_no > :after_no order by n.node_no limit :row_limit"
)


class RespellingEntry(msgspec.Struct, frozen=True):
    """A version of a workspace's policies, and the last identifier that was looked at for it."""

    workspace_id: int
    version: int
    after_no: int


async def queue(tx: Tx, workspace_id: int, version: int) -> None:
    """Have all identifiers of a workspace looked through."""
    await tx.execute(_QUEUE, workspace_id=workspace_id, version=version)


async def claim(tx: Tx) -> RespellingEntry | None:
    """Return the oldest entry, locked (worker role); None when there is none, or others hold them."""
    row = await tx.fetch_one(_CLAIM)
    return RespellingEntry(**dict(row)) if row is not None else None


async def nodes_after(tx: Tx, entry: RespellingEntry, limit: int) -> Sequence[NodeRow]:
    """Return the next identifiers, whatever they are, in the order of their numbers."""
    rows = await tx.fetch(_NODES, workspace_id=entry.workspace_id, after_no=entry.after_no, row_limit=limit)
    return [read_row(row) for row in rows]


async def advance(tx: Tx, entry: RespellingEntry, after_no: int) -> None:
    """Note how far the identifiers were looked at."""
    await tx.execute(_ADVANCE, workspace_id=entry.workspace_id, version=entry.version, after_no=after_no)


async def end(tx: Tx, entry: RespellingEntry) -> None:
    """Note that all were looked at."""
    await tx.execute(_END, workspace_id=entry.workspace_id, version=entry.version)


async def count_open(tx: Tx, workspace_id: int) -> int:
    """Count what is not looked through yet."""
    return int(await tx.fetch_value(_OPEN, workspace_id=workspace_id))
