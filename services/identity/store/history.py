"""The past of the graph: who owned what since when, and which ids ended and came back."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal

import msgspec

from libs.common.db import Tx, load_sql, statement
from services.identity.domain.twins import TWIN_SOURCE

_OWNERSHIP = statement(
    "select node_no, version, person_no, since, until, recorded_at from ownership"
    " where workspace_id = :workspace_id and node_no = any(:node_nos::int[])"
    " order by version, since nulls first"
)
_OWNERS_BEFORE = statement(
    "select distinct on (node_no) node_no, person_no from ownership"
    " where workspace_id = :workspace_id and node_no = any(:node_nos::int[]) and version < :version and until is null"
    " order by node_no, version desc, since desc nulls last"
)
_ENDED = statement(
    "select max(graph_version) from person_redirect"
    " where workspace_id = :workspace_id and from_no = :person_no and to_no <> 0"
)
_BORN = statement(
    "select node_no from ownership o where workspace_id = :workspace_id and person_no = :person_no"
    " and not exists (select from ownership b where b.workspace_id = o.workspace_id and b.node_no = o.node_no"
    " and b.version < o.version)"
)
_COMPONENT = load_sql(__file__, "component_then.sql")
_OF_PERSON = load_sql(__file__, "person_history.sql")
_HAD = load_sql(__file__, "had_at_end.sql")

Kind = Literal["gained", "lost", "absorbed", "merged", "revived"]


class Owned(msgspec.Struct, frozen=True):
    """From a version on, and for events in [since, until) (None: without an end), an identifier is a person's."""

    node_no: int
    version: int
    person_no: int
    since: datetime | None
    until: datetime | None
    recorded_at: datetime


class Change(msgspec.Struct, frozen=True):
    """One thing that happened to a person; `other_no` is who else it happened to, 0 for nobody."""

    kind: Kind
    version: int
    recorded_at: datetime
    since: datetime | None
    node_no: int
    other_no: int


async def ownership_of(tx: Tx, workspace_id: int, node_nos: Collection[int]) -> list[Owned]:
    """Return everything that was said of whose identifiers are, oldest first."""
    rows = await tx.fetch(_OWNERSHIP, workspace_id=workspace_id, node_nos=list(node_nos))
    return [Owned(**dict(row)) for row in rows]


async def owners_before(tx: Tx, workspace_id: int, node_nos: Collection[int], version: int) -> dict[int, int]:
    """Return whose identifiers were just before a graph version; those that were not known then are left out."""
    rows = await tx.fetch(_OWNERS_BEFORE, workspace_id=workspace_id, node_nos=list(node_nos), version=version)
    return {row["node_no"]: row["person_no"] for row in rows}


async def ended_at(tx: Tx, workspace_id: int, person_no: int) -> int:
    """Return the version with which a person last ended in another; his own version follows whoever he is with now."""
    return int(await tx.fetch_value(_ENDED, workspace_id=workspace_id, person_no=person_no) or 0)


async def had_at_end(tx: Tx, workspace_id: int, node_nos: Collection[int]) -> dict[int, dict[int, int]]:
    """Return which of some identifiers each merged person had when he last ended, with the version since which."""
    found: dict[int, dict[int, int]] = {}
    for row in await tx.fetch(_HAD, workspace_id=workspace_id, node_nos=list(node_nos)):
        found.setdefault(row["person_no"], {})[row["node_no"]] = row["version"]
    return found


async def component_then(
    tx: Tx,
    workspace_id: int,
    node_nos: Collection[int],
    at: datetime,
    *,
    most: int,
    crowd: int,
    spacious: Collection[str],
) -> dict[int, bool]:
    """Return the nodes that claims of up to a time connect to these; True for those in a crowd: not walked through.

    A crowd is more than `crowd` links by then, except at identifiers of the namespaces `spacious`.
    """
    rows = await tx.fetch(
        _COMPONENT,
        workspace_id=workspace_id,
        node_nos=list(node_nos),
        at=at,
        most=most,
        crowd=crowd,
        spacious=list(spacious),
        twin=TWIN_SOURCE,
    )
    return {row["node_no"]: row["is_crowded"] for row in rows}


async def born_to(tx: Tx, workspace_id: int, person_no: int) -> set[int]:
    """Return the identifiers whose first owner a person was."""
    return {row["node_no"] for row in await tx.fetch(_BORN, workspace_id=workspace_id, person_no=person_no)}


async def of_person(tx: Tx, workspace_id: int, person_no: int) -> list[Change]:
    """Return what happened to a person, oldest first."""
    rows = await tx.fetch(_OF_PERSON, workspace_id=workspace_id, person_no=person_no)
    return [Change(**dict(row)) for row in rows]
