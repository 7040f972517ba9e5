"""Plain identifiers and their hashes as rows."""

from collections.abc import Collection, Sequence

from libs.common.db import Tx, load_sql, statement
from services.identity.store.nodes import Key, key

_NOTE = load_sql(__file__, "note_twins.sql")
_FIND = statement(
    "select t.workspace_id, t.lookup, t.plain_no"
    " from unnest(:workspace_ids::int[], :lookups::bytea[]) as wanted (workspace_id, lookup)"
    " join twin t on t.workspace_id = wanted.workspace_id and t.lookup = wanted.lookup"
    " where t.plain_no is not null"
)
Noted = tuple[int, bytes, int | None, int | None]
"""Workspace, keyed hash of the hashed identifier, number of the plain one, number of the hashed one."""


async def note(tx: Tx, rows: Sequence[Noted]) -> list[tuple[Key, Key]]:
    """Write one side of pairs; return (plain, hashed) where both are known by now."""
    found = await tx.fetch(
        _NOTE,
        workspace_ids=[row[0] for row in rows],
        lookups=[row[1] for row in rows],
        plain_nos=[row[2] for row in rows],
        hashed_nos=[row[3] for row in rows],
    )
    return [
        (key(row["workspace_id"], row["plain_no"]), key(row["workspace_id"], row["hashed_no"]))
        for row in found
        if row["plain_no"] is not None and row["hashed_no"] is not None
    ]


async def find(tx: Tx, wanted: Collection[tuple[int, bytes]]) -> dict[tuple[int, bytes], Key]:
    """Return the plain identifiers by (workspace, keyed hash) of hashed ones that were never seen themselves."""
    rows = await tx.fetch(_FIND, workspace_ids=[one[0] for one in wanted], lookups=[one[1] for one in wanted])
    return {(row["workspace_id"], row["lookup"]): key(row["workspace_id"], row["plain_no"]) for row in rows}
