"""Identifiers as rows: found by keyed hash, locked in the order of their numbers, written in sets."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec
from asyncpg import Record

from libs.common.db import Tx, load_sql, statement
from libs.common.db.as_text import numbers
from services.identity.domain.consents import Consents, Permission, consents_at

_LOCK = load_sql(__file__, "lock_nodes.sql")
_LOCK_FREE = load_sql(__file__, "lock_free_nodes.sql")
_READ = load_sql(__file__, "read_nodes.sql")
_INSERT = load_sql(__file__, "insert_nodes.sql")
_SAVE = load_sql(__file__, "save_nodes.sql")
_TOUCH = load_sql(__file__, "touch_nodes.sql")
_FIND = statement(
    "select n.workspace_id, n.lookup, n.node_no, n.person_no"
    " from unnest(:workspace_ids::int[], :lookups::bytea[]) as wanted (workspace_id, lookup)"
    " join node n on n.workspace_id = wanted.workspace_id and n.lookup = wanted.lookup"
)
_FIND_OR_BURIED = statement(
    "select n.workspace_id, n.lookup, n.node_no"
    " from unnest(:workspace_ids::int[], :lookups::bytea[]) as wanted (workspace_id, lookup)"
    " join node n on n.workspace_id = wanted.workspace_id and n.lookup = wanted.lookup"
    " union all select t.workspace_id, t.lookup, 0"
    " from unnest(:workspace_ids::int[], :lookups::bytea[]) as wanted (workspace_id, lookup)"
    " join tombstone t on t.workspace_id = wanted.workspace_id and t.lookup = wanted.lookup"
)
_TIMED = statement(
    "select n.workspace_id, n.node_no from unnest(:workspace_ids::int[], :node_nos::int[]) as w (workspace_id, node_no)"
    " join node n on n.workspace_id = w.workspace_id and n.node_no = w.node_no where n.is_timed"
)
COLUMNS = (
    "n.workspace_id, n.node_no, n.lookup, n.namespace, n.scope, n.sealed, n.person_no, n.born_no, n.owner_version,"
    " n.best_tier, n.alone_at, n.is_shared, n.is_calm, n.permissions, n.holder_no, n.held_since, n.is_timed,"
    " n.anonymous_no"
)
"""What statements name that read identifiers whole, in the order of NodeRow: rows are taken apart by position."""
_OF_PERSONS = statement(
    f"select {COLUMNS} from node n"
    " where n.workspace_id = :workspace_id and n.person_no = any(:person_nos) order by n.node_no"
)
_PERMIT = statement(
    "update node n set permissions = p.permissions::jsonb"
    " from unnest(:workspace_ids::int[], :node_nos::int[], :permissions::text[])"
    " as p (workspace_id, node_no, permissions)"
    " where n.workspace_id = p.workspace_id and n.node_no = p.node_no"
)
_COMPONENT = load_sql(__file__, "component_around.sql")

Key = int
"""A node or person over all workspaces: the workspace in the upper, the number in the lower 32 bits."""


def key(workspace_id: int, number: int) -> Key:
    """Return the key of a number of a workspace."""
    return workspace_id << 32 | number


def workspace_of(one: Key) -> int:
    """Return the workspace of a key."""
    return one >> 32


def number_of(one: Key) -> int:
    """Return the number of a key."""
    return one & 0xFFFF_FFFF


def columns(keys: Iterable[Key]) -> tuple[list[int], list[int]]:
    """Return keys as the two columns they are stored in."""
    listed = list(keys)
    return [one >> 32 for one in listed], [one & 0xFFFF_FFFF for one in listed]


def sparse(column: Sequence[object]) -> Sequence[object] | None:
    """Return a column, none at all where it is empty: `unnest` fills it up, and each value that is sent costs."""
    return column if column and (column[0] is not None or column.count(None) < len(column)) else None


class NodeRow(msgspec.Struct, gc=False):
    """One identifier; `sealed` holds its canonical value."""

    workspace_id: int
    node_no: int
    lookup: bytes
    namespace: str
    scope: str
    sealed: bytes
    person_no: int = 0
    born_no: int = 0
    owner_version: int = 0
    best_tier: int = 4
    alone_at: datetime | None = None
    is_shared: bool = False
    is_calm: bool = True
    permissions: dict[str, Permission] = msgspec.field(default_factory=dict)
    """What its owner said of having it linked, by purpose."""
    holder_no: int = 0
    held_since: datetime | None = None
    is_timed: bool = False
    anonymous_no: int = 0

    @property
    def key(self) -> Key:
        """The node's key over all workspaces."""
        return self.workspace_id << 32 | self.node_no

    def consents(self, now: datetime) -> Consents:
        """Return what counts of its permissions at an instant."""
        return consents_at(self.permissions, now)

    @property
    def owner(self) -> Key:
        """The key of the person who owns it."""
        return self.workspace_id << 32 | self.person_no


def read_row(record: Record) -> NodeRow:
    """Return an identifier as it is stored, of a record of COLUMNS."""
    row = NodeRow(*record)
    row.permissions = msgspec.convert(row.permissions, dict[str, Permission]) if row.permissions else {}
    return row


def _places(keys: Collection[Key]) -> dict[str, str]:
    workspace_ids, node_nos = columns(keys)
    return {"workspace_ids": numbers(workspace_ids), "node_nos": numbers(node_nos)}


async def lock(tx: Tx, keys: Collection[Key]) -> list[NodeRow]:
    """Return identifiers locked until the end of the transaction, taken in the order of their numbers."""
    return [read_row(one) for one in await tx.fetch(_LOCK, **_places(keys))]


async def lock_free(tx: Tx, keys: Collection[Key]) -> list[NodeRow]:
    """Return those identifiers that nobody else holds, locked; never waits."""
    return [read_row(one) for one in await tx.fetch(_LOCK_FREE, **_places(keys))]


async def read(tx: Tx, keys: Collection[Key]) -> list[NodeRow]:
    """Return identifiers without locking them."""
    return [read_row(one) for one in await tx.fetch(_READ, **_places(keys))]


async def find(tx: Tx, wanted: Collection[tuple[int, bytes]]) -> dict[tuple[int, bytes], tuple[int, int]]:
    """Return (node number, person number) by (workspace, keyed hash) of the identifiers that exist."""
    rows = await tx.fetch(_FIND, workspace_ids=[one[0] for one in wanted], lookups=[one[1] for one in wanted])
    return {(row["workspace_id"], row["lookup"]): (row["node_no"], row["person_no"]) for row in rows}


async def find_or_buried(
    tx: Tx, wanted: Collection[tuple[int, bytes]]
) -> tuple[dict[tuple[int, bytes], int], set[tuple[int, bytes]]]:
    """Return node numbers by (workspace, keyed hash) of identifiers that exist, and those others that were erased."""
    rows = await tx.fetch(_FIND_OR_BURIED, workspace_ids=[one[0] for one in wanted], lookups=[one[1] for one in wanted])
    found = {(workspace_id, lookup): number for workspace_id, lookup, number in rows if number}
    return found, {(workspace_id, lookup) for workspace_id, lookup, _ in rows} - found.keys()


async def timed_among(tx: Tx, keys: Collection[Key]) -> set[Key]:
    """Return those that are devices whose holds are kept one by one."""
    workspace_ids, node_nos = columns(keys)
    rows = await tx.fetch(_TIMED, workspace_ids=workspace_ids, node_nos=node_nos)
    return {key(row["workspace_id"], row["node_no"]) for row in rows}


async def of_persons(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> list[NodeRow]:
    """Return all identifiers of persons of a workspace, by number."""
    rows = await tx.fetch(_OF_PERSONS, workspace_id=workspace_id, person_nos=list(person_nos))
    return [read_row(one) for one in rows]


async def insert(tx: Tx, rows: Sequence[NodeRow]) -> set[Key]:
    """Insert identifiers; return the keys of those that nobody else inserted at the same time."""
    ordered = sorted(rows, key=lambda row: (row.workspace_id, row.lookup))
    inserted = await tx.fetch(
        _INSERT,
        workspace_ids=[row.workspace_id for row in ordered],
        node_nos=[row.node_no for row in ordered],
        lookups=[row.lookup for row in ordered],
        namespaces=[row.namespace for row in ordered],
        scopes=[row.scope for row in ordered],
        sealed=[row.sealed for row in ordered],
    )
    return {key(row["workspace_id"], row["node_no"]) for row in inserted}


async def save(tx: Tx, rows: Sequence[NodeRow]) -> None:
    """Write what may change of identifiers that this transaction has locked."""
    await tx.execute(
        _SAVE,
        workspace_ids=[row.workspace_id for row in rows],
        node_nos=[row.node_no for row in rows],
        person_nos=[row.person_no for row in rows],
        born_nos=[row.born_no for row in rows],
        owner_versions=[row.owner_version for row in rows],
        best_tiers=[row.best_tier for row in rows],
        alone_ats=sparse([row.alone_at for row in rows]),
        shared=[row.is_shared for row in rows],
        calm=[row.is_calm for row in rows],
        holder_nos=[row.holder_no for row in rows],
        held_sinces=sparse([row.held_since for row in rows]),
        timed=[row.is_timed for row in rows],
        anonymous_nos=[row.anonymous_no for row in rows],
    )


async def touch(tx: Tx, seen: dict[Key, datetime]) -> None:
    """Note newer evidence that touched identifiers without a link."""
    workspace_ids, node_nos = columns(seen)
    await tx.execute(_TOUCH, workspace_ids=workspace_ids, node_nos=node_nos, alone_ats=list(seen.values()))


async def permit(tx: Tx, rows: Sequence[NodeRow]) -> None:
    """Write the permissions of identifiers that this transaction has locked."""
    workspace_ids, node_nos = columns(row.key for row in rows)
    said = [msgspec.json.encode(row.permissions).decode() if row.permissions else None for row in rows]
    await tx.execute(_PERMIT, workspace_ids=workspace_ids, node_nos=node_nos, permissions=said)


async def component_around(tx: Tx, workspace_id: int, node_nos: Collection[int], most: int) -> set[Key]:
    """Return the nodes that claims connect to these, hubs included but not walked through, `most` at the most."""
    rows = await tx.fetch(_COMPONENT, workspace_id=workspace_id, node_nos=list(node_nos), most=most)
    return {key(workspace_id, row["node_no"]) for row in rows}
