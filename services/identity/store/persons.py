"""Persons as rows: numbers and ids for ever, redirects in one hop, and who owned what since when."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from asyncpg import Record

from libs.common.db import Tx, load_sql, statement
from libs.common.errors import Unavailable
from services.identity.store.nodes import Key, columns, key, sparse

_READ = load_sql(__file__, "read_persons.sql")
_INSERT = load_sql(__file__, "insert_persons.sql")
_RETIRE = load_sql(__file__, "retire_persons.sql")
_REVIVE = load_sql(__file__, "revive_persons.sql")
_OWN = load_sql(__file__, "append_ownership.sql")
_MARK = statement(
    "update person set graph_version = :version"
    " where workspace_id = :workspace_id and person_no = any(:person_nos::int[])"
)
_VERSION = statement("select nextval('graph_version')")
_BY_ID = statement("select * from person where workspace_id = :workspace_id and person_id = :person_id")
_BY_IDS = statement("select * from person where workspace_id = :workspace_id and person_id = any(:person_ids)")
_RETIRED = statement(
    "select * from person where workspace_id = :workspace_id and redirect_to = :person_no order by person_no"
)


class PersonRow(msgspec.Struct, gc=False):
    """One person that is or was; `redirect_to` is where a merged one is found now."""

    workspace_id: int
    person_no: int
    person_id: UUID
    state: str
    merged_into: int | None
    redirect_to: int | None
    graph_version: int
    created_at: datetime

    @property
    def key(self) -> Key:
        """The person's key over all workspaces."""
        return key(self.workspace_id, self.person_no)


def _row(record: Record) -> PersonRow:
    return PersonRow(**dict(record))


async def next_version(tx: Tx) -> int:
    """Return the next graph version; asked for after the locks are held, it grows along every node and person."""
    return int(await tx.fetch_value(_VERSION))


async def read(tx: Tx, keys: Collection[Key]) -> dict[Key, PersonRow]:
    """Return persons by number."""
    workspace_ids, person_nos = columns(keys)
    rows = [_row(one) for one in await tx.fetch(_READ, workspace_ids=workspace_ids, person_nos=person_nos)]
    return {row.key: row for row in rows}


async def by_id(tx: Tx, workspace_id: int, person_id: UUID) -> PersonRow | None:
    """Return a person, living or not, by his id."""
    record = await tx.fetch_one(_BY_ID, workspace_id=workspace_id, person_id=person_id)
    return _row(record) if record is not None else None


async def by_ids(tx: Tx, workspace_id: int, person_ids: Sequence[UUID]) -> list[PersonRow]:
    """Return persons, living or not, by their ids."""
    rows = await tx.fetch(_BY_IDS, workspace_id=workspace_id, person_ids=list(person_ids))
    return [_row(one) for one in rows]


async def retired_into(tx: Tx, workspace_id: int, person_no: int) -> list[PersonRow]:
    """Return the persons whose ids lead to this one."""
    return [_row(one) for one in await tx.fetch(_RETIRED, workspace_id=workspace_id, person_no=person_no)]


async def insert(tx: Tx, rows: Sequence[PersonRow]) -> None:
    """Add new persons."""
    if rows:
        await tx.execute(
            _INSERT,
            workspace_ids=[row.workspace_id for row in rows],
            person_nos=[row.person_no for row in rows],
            person_ids=[row.person_id for row in rows],
            graph_versions=[row.graph_version for row in rows],
            created_ats=[row.created_at for row in rows],
        )


async def retire(tx: Tx, merged: Sequence[tuple[Key, Key]], *, version: int, now: dict[int, datetime]) -> None:
    """End persons (first) in a survivor (second); ids that led to the ended ones lead on to the survivor."""
    if merged:
        workspace_ids, ended = columns(one for one, _ in merged)
        _, survivors = columns(other for _, other in merged)
        ats = [now[workspace_id] for workspace_id in workspace_ids]
        await tx.execute(
            _RETIRE, workspace_ids=workspace_ids, ended=ended, survivors=survivors, recorded_ats=ats, version=version
        )


async def revive(tx: Tx, keys: Sequence[Key], *, version: int, now: dict[int, datetime]) -> None:
    """Bring merged persons back; ids that had ended in them before lead to them again.

    Raises Unavailable when one was erased at this moment: whoever tries again finds him gone.
    """
    if keys:
        workspace_ids, person_nos = columns(keys)
        ats = [now[workspace_id] for workspace_id in workspace_ids]
        rows = await tx.fetch(
            _REVIVE, workspace_ids=workspace_ids, person_nos=person_nos, recorded_ats=ats, version=version
        )
        if not {key(row["workspace_id"], row["person_no"]) for row in rows}.issuperset(keys):
            raise Unavailable("a person was erased at this moment; send it again", retry_after_seconds=1)


async def mark(tx: Tx, keys: Collection[Key], version: int) -> None:
    """Note the graph version of persons whose identifiers changed."""
    person_nos: dict[int, list[int]] = {}
    for workspace_id, person_no in zip(*columns(keys), strict=True):
        person_nos.setdefault(workspace_id, []).append(person_no)
    for workspace_id, numbers in person_nos.items():
        await tx.execute(_MARK, workspace_id=workspace_id, person_nos=numbers, version=version)


class OwnershipRow(msgspec.Struct, gc=False):
    """From `version` on the node is the person's, for events in [since, until); None is without an end."""

    workspace_id: int
    node_no: int
    version: int
    person_no: int
    since: datetime | None
    until: datetime | None
    recorded_at: datetime


async def append_ownership(tx: Tx, rows: Sequence[OwnershipRow]) -> None:
    """Note who owns identifiers from now on."""
    if rows:
        await tx.execute(
            _OWN,
            workspace_ids=[row.workspace_id for row in rows],
            node_nos=[row.node_no for row in rows],
            versions=[row.version for row in rows],
            person_nos=[row.person_no for row in rows],
            sinces=sparse([row.since for row in rows]),
            untils=sparse([row.until for row in rows]),
            recorded_ats=[row.recorded_at for row in rows],
        )
