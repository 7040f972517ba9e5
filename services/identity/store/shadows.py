"""Shadow runs of policies as rows and their queue, and the graph read from end to end for them."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.common.db import Tx, statement
from services.identity.domain.consents import Linking
from services.identity.domain.policy import Declared, NamespacePolicy, Safeguards
from services.identity.store.leases import LeasedQueue
from services.identity.store.policies import said_in

CHUNK = 20_000
_COLUMNS = (
    "workspace_id, shadow_id, base_version, policies, safeguards, linking, state, report, author, created_at,"
    " finished_at, switched_to, begun, tries, why"
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
# While evidence gets other ids, whoever reads it in the order of its ids would miss some.
queue = LeasedQueue(
    "shadow_queue",
    "policy_shadow",
    "shadow_id",
    ready="not exists (select from renaming_queue r"
    " where r.workspace_id = q.workspace_id and r.due_at <= clock_timestamp())",
)
_OPEN = statement("select count(*) from shadow_queue where workspace_id = :workspace_id")
_FINISH = statement(
    "update policy_shadow set state = :state, report = :report, why = :why, finished_at = :finished_at"
    " where workspace_id = :workspace_id and shadow_id = :shadow_id and begun = :begun and state = 'waiting'"
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
_MAKE_SPELLINGS = statement("create temporary table spelled (lookup bytea not null, node_no integer not null)")
_NOTE_SPELLINGS = statement("insert into spelled select * from unnest(:lookups::bytea[], :node_nos::int[])")
_SORT_SPELLINGS = statement("create index on spelled (lookup, node_no)")
_SPELLINGS = statement(
    "select lookup, node_no from spelled where (lookup, node_no) > (:lookup, :node_no)"
    " order by lookup, node_no limit :row_limit"
)
_FIRST = UUID(int=0)


class ShadowRow(msgspec.Struct, frozen=True, kw_only=True):
    """Policies tried on the evidence before they are put in force.

    `report` is there once that is done; `why` says what kept it from being made.
    """

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
    begun: int
    tries: int
    why: str

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
    said = said_in(declared)
    await tx.execute(
        _KEEP, workspace_id=workspace_id, shadow_id=shadow_id, base_version=base, policies=said["namespaces"],
        safeguards=said["safeguards"], linking=declared.linking, author=author, created_at=now,
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


async def count_open(tx: Tx, workspace_id: int) -> int:
    """Count the runs that are not done."""
    return int(await tx.fetch_value(_OPEN, workspace_id=workspace_id))


async def finish(tx: Tx, row: ShadowRow, *, report: dict[str, Any] | None, why: str, now: datetime) -> None:
    """Write a run's report, or why there is none, and take it off the queue; nothing when somebody began it since."""
    ended = await tx.execute(
        _FINISH, workspace_id=row.workspace_id, shadow_id=row.shadow_id, begun=row.begun, report=report, why=why,
        state="failed" if report is None else "done", finished_at=now,
    )  # fmt: skip
    if ended:
        await queue.end(tx, row.workspace_id, row.shadow_id)


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


async def make_spellings(tx: Tx) -> None:
    """Make a temporary table of a session for identifiers by what they denote."""
    await tx.execute(_MAKE_SPELLINGS)


async def note_spellings(tx: Tx, lookups: Sequence[bytes], node_nos: Sequence[int]) -> None:
    """Note, by keyed hash, what identifiers denote."""
    await tx.execute(_NOTE_SPELLINGS, lookups=lookups, node_nos=node_nos)


async def spelled_together(tx: Tx) -> AsyncIterator[tuple[int, int]]:
    """Yield pairs of identifiers that denote the same, each with the next of them."""
    await tx.execute(_SORT_SPELLINGS)
    lookup, node_no = b"", 0
    while rows := await tx.fetch(_SPELLINGS, lookup=lookup, node_no=node_no, row_limit=CHUNK):
        for row in rows:
            if row["lookup"] == lookup:
                yield node_no, row["node_no"]
            lookup, node_no = row["lookup"], row["node_no"]


async def all_stars(tx: Tx, workspace_id: int) -> AsyncIterator[list[Sequence[int]]]:
    """Yield the identifiers of every piece of evidence of a workspace, in chunks."""
    event_id, part = _FIRST, -1
    while True:
        rows = await tx.fetch(_EVIDENCE, workspace_id=workspace_id, event_id=event_id, part=part, row_limit=CHUNK)
        if not rows:
            return
        yield [row["node_nos"] for row in rows]
        event_id, part = rows[-1]["event_id"], rows[-1]["part"]
