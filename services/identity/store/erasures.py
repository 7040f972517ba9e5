"""Erasures as rows: tombstones by keyed hash, who was erased, and the services' receipts."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.db import Tx, statement

_COLUMNS = (
    "workspace_id, erasure_id, person_no, person_id, subject_nos, retired_nos, graph_version, author, reason, counts,"
    " erased_at"
)
_KEEP = statement(
    f"insert into erasure ({_COLUMNS}) values (:workspace_id, :erasure_id, :person_no, :person_id, :subject_nos,"
    " :retired_nos, :graph_version, :author, :reason, :counts, :erased_at)"
)
_QUEUE = statement("insert into erasure_queue (erasure_id, workspace_id) values (:erasure_id, :workspace_id)")
_BURY = statement(
    "insert into tombstone (workspace_id, lookup, namespace, scope, erasure_id)"
    " select :workspace_id, lookup, namespace, scope, :erasure_id"
    " from unnest(:lookups::bytea[], :namespaces::text[], :scopes::text[]) as gone (lookup, namespace, scope)"
    " on conflict do nothing"
)
_BURIED = statement(
    "select lookup, namespace, scope, erasure_id from tombstone"
    " where workspace_id = :workspace_id and lookup = any(:lookups::bytea[])"
)
_AMONG = statement(
    "select t.workspace_id, t.lookup"
    " from unnest(:workspace_ids::int[], :lookups::bytea[]) as wanted (workspace_id, lookup)"
    " join tombstone t on t.workspace_id = wanted.workspace_id and t.lookup = wanted.lookup"
)
_OF_ERASURE = statement(
    "select lookup, namespace, scope, erasure_id from tombstone"
    " where workspace_id = :workspace_id and erasure_id = :erasure_id"
)
_DIG_UP = statement(
    "delete from tombstone where workspace_id = :workspace_id and lookup = any(:lookups::bytea[])"
    " returning lookup, namespace, scope, erasure_id"
)
_FIND = statement(f"select {_COLUMNS} from erasure where workspace_id = :workspace_id and erasure_id = :erasure_id")
_LIST = statement(
    f"select {_COLUMNS} from erasure where workspace_id = :workspace_id"
    " and (:before::uuid is null or erasure_id < :before) order by erasure_id desc limit :row_limit"
)
_ALL = statement(f"select {_COLUMNS} from erasure where workspace_id = :workspace_id order by erasure_id")
_ALONE = statement("select pg_advisory_xact_lock(7263, 1)")
_KNOWN = statement("select erasure_id from erasure where erasure_id = any(:erasure_ids::uuid[])")
_SIGN = statement(
    "insert into erasure_receipt (workspace_id, erasure_id, service, counts, received_at)"
    " values (:workspace_id, :erasure_id, :service, :counts, :received_at) on conflict do nothing"
)
_RECEIPTS = statement(
    "select erasure_id, service, counts, received_at from erasure_receipt"
    " where workspace_id = :workspace_id and erasure_id = any(:erasure_ids::uuid[]) order by received_at, service"
)
_CLAIM = statement(
    "select erasure_id, workspace_id, after_id, found from erasure_queue order by erasure_id limit 1"
    " for update skip locked"
)
_ADVANCE = statement(
    "update erasure_queue set after_id = :after_id, found = found + :found where erasure_id = :erasure_id"
)
_DONE = statement("delete from erasure_queue where erasure_id = :erasure_id")
_OPEN = statement("select count(*) from erasure_queue where workspace_id = :workspace_id")


class ErasureRow(msgspec.Struct, frozen=True, kw_only=True):
    """One person's erasure; nothing in it says who he was."""

    workspace_id: int
    erasure_id: UUID
    person_no: int
    person_id: UUID
    subject_nos: list[int]
    retired_nos: list[int]
    graph_version: int
    author: str
    reason: str
    counts: dict[str, int]
    erased_at: datetime


class Tombstone(msgspec.Struct, frozen=True):
    """An identifier that was erased, by its keyed hash."""

    lookup: bytes
    namespace: str
    scope: str
    erasure_id: UUID


class ReceiptRow(msgspec.Struct, frozen=True):
    """That a service has deleted, and how many rows of what."""

    erasure_id: UUID
    service: str
    counts: dict[str, int]
    received_at: datetime


class SweepEntry(msgspec.Struct, frozen=True):
    """An erasure whose identifiers are still looked for; rows up to `after_id` are looked at."""

    erasure_id: UUID
    workspace_id: int
    after_id: UUID | None
    found: int


async def keep(tx: Tx, row: ErasureRow) -> None:
    """Keep an erasure and queue the search of what is kept unread."""
    await tx.execute(_KEEP, **msgspec.structs.asdict(row))
    await tx.execute(_QUEUE, erasure_id=row.erasure_id, workspace_id=row.workspace_id)


async def bury(tx: Tx, workspace_id: int, tombstones: Sequence[Tombstone]) -> None:
    """Let identifiers make nobody from now on; all of one erasure."""
    if tombstones:
        await tx.execute(
            _BURY,
            workspace_id=workspace_id,
            erasure_id=tombstones[0].erasure_id,
            lookups=[one.lookup for one in tombstones],
            namespaces=[one.namespace for one in tombstones],
            scopes=[one.scope for one in tombstones],
        )


async def buried(tx: Tx, workspace_id: int, lookups: Collection[bytes]) -> dict[bytes, Tombstone]:
    """Return the tombstones of those identifiers that were erased."""
    rows = await tx.fetch(_BURIED, workspace_id=workspace_id, lookups=list(lookups))
    return {row["lookup"]: Tombstone(*row) for row in rows}


async def buried_among(tx: Tx, wanted: Collection[tuple[int, bytes]]) -> set[tuple[int, bytes]]:
    """Return those (workspace, keyed hash) that were erased."""
    rows = await tx.fetch(_AMONG, workspace_ids=[one[0] for one in wanted], lookups=[one[1] for one in wanted])
    return {(row["workspace_id"], row["lookup"]) for row in rows}


async def tombstones_of(tx: Tx, workspace_id: int, erasure_id: UUID) -> list[Tombstone]:
    """Return the identifiers that an erasure took."""
    rows = await tx.fetch(_OF_ERASURE, workspace_id=workspace_id, erasure_id=erasure_id)
    return [Tombstone(*row) for row in rows]


async def dig_up(tx: Tx, workspace_id: int, lookups: Collection[bytes]) -> list[Tombstone]:
    """Let identifiers name somebody again; return those that were erased."""
    return [Tombstone(*row) for row in await tx.fetch(_DIG_UP, workspace_id=workspace_id, lookups=list(lookups))]


async def find(tx: Tx, workspace_id: int, erasure_id: UUID) -> ErasureRow | None:
    """Return an erasure of a workspace."""
    row = await tx.fetch_one(_FIND, workspace_id=workspace_id, erasure_id=erasure_id)
    return ErasureRow(**dict(row)) if row is not None else None


async def list_rows(tx: Tx, workspace_id: int, *, limit: int, before: UUID | None) -> list[ErasureRow]:
    """Return erasures, newest first."""
    rows = await tx.fetch(_LIST, workspace_id=workspace_id, row_limit=limit, before=before)
    return [ErasureRow(**dict(row)) for row in rows]


async def all_rows(tx: Tx, workspace_id: int) -> list[ErasureRow]:
    """Return every erasure of a workspace."""
    return [ErasureRow(**dict(row)) for row in await tx.fetch(_ALL, workspace_id=workspace_id)]


async def alone(tx: Tx) -> None:
    """Keep other processes that start from comparing the ledger at the same time."""
    await tx.fetch_value(_ALONE)


async def known(tx: Tx, erasure_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the erasures that happened, in the transaction's workspaces."""
    return {row["erasure_id"] for row in await tx.fetch(_KNOWN, erasure_ids=list(erasure_ids))}


async def sign(tx: Tx, workspace_id: int, receipt: ReceiptRow) -> None:
    """Keep a service's receipt; the first one counts."""
    await tx.execute(_SIGN, workspace_id=workspace_id, **msgspec.structs.asdict(receipt))


async def receipts(tx: Tx, workspace_id: int, erasure_ids: Collection[UUID]) -> list[ReceiptRow]:
    """Return the receipts of erasures."""
    rows = await tx.fetch(_RECEIPTS, workspace_id=workspace_id, erasure_ids=list(erasure_ids))
    return [ReceiptRow(**dict(row)) for row in rows]


async def claim_sweep(tx: Tx) -> SweepEntry | None:
    """Take the oldest erasure whose identifiers are still looked for (worker role); None: all is done."""
    row = await tx.fetch_one(_CLAIM)
    return SweepEntry(**dict(row)) if row is not None else None


async def advance_sweep(tx: Tx, erasure_id: UUID, *, after_id: UUID, found: int) -> None:
    """Note how far the search is."""
    await tx.execute(_ADVANCE, erasure_id=erasure_id, after_id=after_id, found=found)


async def end_sweep(tx: Tx, erasure_id: UUID) -> None:
    """Note that the search is over."""
    await tx.execute(_DONE, erasure_id=erasure_id)


async def open_sweeps(tx: Tx, workspace_id: int) -> int:
    """Return how many erasures of a workspace are still searched for."""
    return int(await tx.fetch_value(_OPEN, workspace_id=workspace_id))
