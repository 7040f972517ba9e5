"""Identifiers that a file names and nobody knows yet, in temporary tables that end with the session."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from libs.common.db import Tx, load_sql, statement
from services.identity.store.nodes import NodeRow

_MAKE = (
    statement(
        "create temporary table foreseen_node (node_no integer primary key, lookup bytea not null unique,"
        " namespace text not null, scope text not null, sealed bytea not null)"
    ),
    statement("create temporary table foreseen_twin (lookup bytea not null, plain_no integer, hashed_no integer)"),
)
_HIGHEST = statement("select coalesce(max(node_no), 0) from node where workspace_id = :workspace_id")
_FIND = statement("select lookup, node_no from foreseen_node where lookup = any(:lookups::bytea[])")
_ADD = statement(
    "insert into foreseen_node select * from unnest(:node_nos::int[], :lookups::bytea[], :namespaces::text[],"
    " :scopes::text[], :sealed::bytea[])"
)
_READ = statement(
    "select node_no, lookup, namespace, scope, sealed from foreseen_node where node_no = any(:node_nos::int[])"
)
_NOTE_TWINS = statement(
    "insert into foreseen_twin select * from unnest(:lookups::bytea[], :plain_nos::int[], :hashed_nos::int[])"
)
_TWINS = statement(
    "select p.plain_no, h.hashed_no from foreseen_twin p join foreseen_twin h on h.lookup = p.lookup"
    " where p.plain_no is not null and h.hashed_no is not null"
    " union select coalesce(f.plain_no, t.plain_no), coalesce(f.hashed_no, t.hashed_no)"
    " from foreseen_twin f join twin t on t.workspace_id = :workspace_id and t.lookup = f.lookup"
    " where coalesce(f.plain_no, t.plain_no) is not null and coalesce(f.hashed_no, t.hashed_no) is not null"
)
_NODES = load_sql(__file__, "foresee_nodes.sql")
_LINKS = load_sql(__file__, "foresee_links.sql")


class KnownNode(NamedTuple):
    """What a preview asks of a stored identifier; `is_spoken_for`: anything was said of consent."""

    node_no: int
    namespace: str
    is_shared: bool
    is_spoken_for: bool


class KnownLink(NamedTuple):
    """A stored pair; `mine`: the source said so and it counts, `recent`: nobody did before the moment asked about."""

    low_no: int
    high_no: int
    mine: bool
    recent: bool
    leads: bool


async def make(tx: Tx, workspace_id: int) -> int:
    """Make the tables of a session; return the highest number of an identifier that is stored."""
    for table in _MAKE:
        await tx.execute(table)
    return int(await tx.fetch_value(_HIGHEST, workspace_id=workspace_id))


async def find(tx: Tx, lookups: Collection[bytes]) -> dict[bytes, int]:
    """Return the numbers that were given by keyed hash."""
    return {row["lookup"]: row["node_no"] for row in await tx.fetch(_FIND, lookups=list(lookups))}


async def add(tx: Tx, rows: Sequence[NodeRow]) -> None:
    """Keep identifiers whose keyed hashes were not found."""
    await tx.execute(
        _ADD,
        node_nos=[row.node_no for row in rows],
        lookups=[row.lookup for row in rows],
        namespaces=[row.namespace for row in rows],
        scopes=[row.scope for row in rows],
        sealed=[row.sealed for row in rows],
    )


async def read(tx: Tx, workspace_id: int, node_nos: Collection[int]) -> list[NodeRow]:
    """Return identifiers by the numbers they were given."""
    rows = await tx.fetch(_READ, node_nos=list(node_nos))
    return [NodeRow(workspace_id, *row) for row in rows]


async def note_twins(tx: Tx, rows: Collection[tuple[bytes, int | None, int | None]]) -> None:
    """Keep (keyed hash of a hashed identifier, number of the plain one, number of the hashed one), either absent."""
    await tx.execute(
        _NOTE_TWINS,
        lookups=[row[0] for row in rows],
        plain_nos=[row[1] for row in rows],
        hashed_nos=[row[2] for row in rows],
    )


async def twins(tx: Tx, workspace_id: int) -> list[tuple[int, int]]:
    """Return (plain, hashed) of those of which one at least is new and both are known."""
    return [(row[0], row[1]) for row in await tx.fetch(_TWINS, workspace_id=workspace_id)]


async def known_nodes(tx: Tx, workspace_id: int, node_nos: Sequence[int]) -> list[KnownNode]:
    """Return what is stored about identifiers."""
    return [KnownNode(*row) for row in await tx.fetch(_NODES, workspace_id=workspace_id, node_nos=node_nos)]


async def known_links(
    tx: Tx, workspace_id: int, node_nos: Sequence[int], *, source_id: int, since: object, through_hubs: bool
) -> list[KnownLink]:
    """Return the links around identifiers, a link between two of them twice."""
    rows = await tx.fetch(
        _LINKS, workspace_id=workspace_id, node_nos=node_nos, source_id=source_id, since=since,
        through_hubs=through_hubs,
    )  # fmt: skip
    return [KnownLink(*row) for row in rows]
