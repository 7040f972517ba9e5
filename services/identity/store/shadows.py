"""Shadow runs of policies as rows, and the graph read from end to end for them."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.common.db import Tx, statement
from services.identity.domain.consents import Linking
from services.identity.domain.policy import Declared, NamespacePolicy, Safeguards

CHUNK = 20_000
_COLUMNS = (
    "workspace_id, shadow_id, base_version, policies, safeguards, linking, state, report, author, created_at,"
    " finished_at, switched_to"
)
_KEEP = statement(
    "insert into policy_shadow (workspace_id, shadow_id, base_version, policies, safeguards, linking, author,"
    " created_at) values (:workspace_id, :shadow_id, :base_version, :policies, :safeguards, :linking, :author,"
    " :created_at)"
)
_QUEUE = statement("insert into shadow_queue (workspace_id, shadow_id) values (:workspace_id, :shadow_id)")
_FIND = statement(f"select {_COLUMNS} from policy_shadow where workspace_id = :workspace_id and shadow_id = :shadow_id")
_LIST = statement(
    f"select {_COLUMNS} from policy_shadow where workspace_id = :workspace_id"
    " and (:before::uuid is null or shadow_id < :before) order by shadow_id desc limit :row_limit"
)
_CLAIM = statement(
    "delete from shadow_queue where shadow_id ="
    " (select shadow_id from shadow_queue order by shadow_id limit 1 for update skip locked)"
    " returning workspace_id, shadow_id"
)
_OPEN = statement("select count(*) from shadow_queue where workspace_id = :workspace_id")
_FINISH = statement(
    "update policy_shadow set state = 'done', report = :report, finished_at = :finished_at"
    " where workspace_id = :workspace_id and shadow_id = :shadow_id"
)
_SWITCH = statement(
    "update policy_shadow set state = 'switched', switched_to = :version"
    " where workspace_id = :workspace_id and shadow_id = :shadow_id and state = 'done'"
)
_NODES = statement(
    "select node_no from node where workspace_id = :workspace_id and node_no > :after order by node_no limit :row_limit"
)
_NODES_OF = statement(
    "select node_no from node where workspace_id = :workspace_id and node_no > :after"
    " and namespace = any(:namespaces::text[]) order by node_no limit :row_limit"
)
_EVIDENCE = statement(
    "select event_id, part, node_nos from evidence where workspace_id = :workspace_id"
    " and (event_id, part) > (:event_id, :part) order by event_id, part limit :row_limit"
)
_FIRST = UUID(int=0)


class ShadowRow(msgspec.Struct, frozen=True, kw_only=True):
    """Policies tried on the evidence before they are put in force; `report` once that is done."""

    workspace_id: int
    shadow_id: UUID
    base_version: int
    policies: dict[str, NamespacePolicy]
    linking: Linking
    safeguards: Safeguards
    state: str
    report: dict[str, Any] | None
    author: str
    created_at: datetime
    finished_at: datetime | None
    switched_to: int | None

    @property
    def declared(self) -> Declared:
        """What is put in force by switching to this run."""
        return Declared(self.policies, self.safeguards, self.linking)


def _row(record: Any) -> ShadowRow:
    return msgspec.convert(dict(record), ShadowRow)


async def keep(
    tx: Tx, workspace_id: int, shadow_id: UUID, *, base: int, declared: Declared, author: str,
    now: datetime,
) -> None:  # fmt: skip
    """Keep a shadow run and queue it."""
    await tx.execute(
        _KEEP, workspace_id=workspace_id, shadow_id=shadow_id, base_version=base,
        policies=msgspec.to_builtins(declared.namespaces), safeguards=msgspec.to_builtins(declared.safeguards),
        linking=declared.linking, author=author, created_at=now,
    )  # fmt: skip
    await tx.execute(_QUEUE, workspace_id=workspace_id, shadow_id=shadow_id)


async def find(tx: Tx, workspace_id: int, shadow_id: UUID) -> ShadowRow | None:
    """Return a shadow run."""
    found = await tx.fetch(_FIND, workspace_id=workspace_id, shadow_id=shadow_id)
    return _row(found[0]) if found else None


async def listed(tx: Tx, workspace_id: int, *, before: UUID | None, limit: int) -> list[ShadowRow]:
    """Return shadow runs, the youngest first."""
    rows = await tx.fetch(_LIST, workspace_id=workspace_id, before=before, row_limit=limit)
    return [_row(one) for one in rows]


async def claim(tx: Tx) -> tuple[int, UUID] | None:
    """Take the oldest run off the queue (worker role); it stays there unless the transaction commits."""
    found = await tx.fetch(_CLAIM)
    return (found[0]["workspace_id"], found[0]["shadow_id"]) if found else None


async def count_open(tx: Tx, workspace_id: int) -> int:
    """Count the runs that are not done."""
    return int(await tx.fetch_value(_OPEN, workspace_id=workspace_id))


async def finish(tx: Tx, workspace_id: int, shadow_id: UUID, report: dict[str, Any], now: datetime) -> None:
    """Write a run's report."""
    await tx.execute(_FINISH, workspace_id=workspace_id, shadow_id=shadow_id, report=report, finished_at=now)


async def mark_switched(tx: Tx, workspace_id: int, shadow_id: UUID, version: int) -> bool:
    """Note that a run's policies are in force; return False when they were before."""
    return await tx.execute(_SWITCH, workspace_id=workspace_id, shadow_id=shadow_id, version=version) > 0


async def all_nodes(tx: Tx, workspace_id: int) -> AsyncIterator[Sequence[int]]:
    """Yield the numbers of all identifiers of a workspace, in chunks."""
    after = 0
    while True:
        rows = await tx.fetch(_NODES, workspace_id=workspace_id, after=after, row_limit=CHUNK)
        if not rows:
            return
        yield [row["node_no"] for row in rows]
        after = rows[-1]["node_no"]


async def nodes_of(tx: Tx, workspace_id: int, namespaces: Collection[str]) -> AsyncIterator[Sequence[int]]:
    """Yield the numbers of all identifiers of some namespaces of a workspace, in chunks."""
    after, listed_names = 0, list(namespaces)
    while listed_names:
        rows = await tx.fetch(
            _NODES_OF, workspace_id=workspace_id, after=after, namespaces=listed_names, row_limit=CHUNK
        )
        if not rows:
            return
        yield [row["node_no"] for row in rows]
        after = rows[-1]["node_no"]


async def all_stars(tx: Tx, workspace_id: int) -> AsyncIterator[list[Sequence[int]]]:
    """Yield the identifiers of every piece of evidence of a workspace, in chunks."""
    event_id, part = _FIRST, -1
    while True:
        rows = await tx.fetch(_EVIDENCE, workspace_id=workspace_id, event_id=event_id, part=part, row_limit=CHUNK)
        if not rows:
            return
        yield [row["node_nos"] for row in rows]
        event_id, part = rows[-1]["event_id"], rows[-1]["part"]
