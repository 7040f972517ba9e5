"""WeChat accounts that moved to another owner, and how far their openids are translated."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.common.db import Tx, statement
from services.identity.store.nodes import COLUMNS, NodeRow, read_row

_COLUMNS = (
    "workspace_id, migration_id, from_appid, to_appid, from_platform, to_platform, migrated_at, closes_at, failed"
)
_KEEP = statement(
    f"insert into account_migration ({_COLUMNS}) values (:workspace_id, :migration_id, :from_appid, :to_appid,"
    " :from_platform, :to_platform, :migrated_at, :closes_at, 0)"
)
_FIND = statement(
    f"select {_COLUMNS} from account_migration where workspace_id = :workspace_id and migration_id = :migration_id"
)
_LIST = statement(
    f"select {_COLUMNS} from account_migration where workspace_id = :workspace_id"
    " and (:before::uuid is null or migration_id < :before) order by migration_id desc limit :row_limit"
)
_FAIL = statement(
    "update account_migration set failed = failed + :failed"
    " where workspace_id = :workspace_id and migration_id = :migration_id"
)
_SUPERSEDED = (
    "exists (select from link l where l.workspace_id = n.workspace_id and l.low_no = n.node_no"
    " and l.replaced_low_at is not null)"
    " or exists (select from link l where l.workspace_id = n.workspace_id and l.high_no = n.node_no"
    " and l.replaced_high_at is not null)"
)
_COUNT = statement(
    f"select count(*) as known, count(*) filter (where {_SUPERSEDED}) as translated from node n"
    " where n.workspace_id = :workspace_id and n.namespace = 'wx_openid' and n.scope = :appid"
)
_OUTSTANDING = statement(
    f"select {COLUMNS} from node n"
    " where n.workspace_id = :workspace_id and n.namespace = 'wx_openid' and n.scope = :appid"
    f" and n.node_no > :after and not ({_SUPERSEDED}) order by n.node_no limit :row_limit"
)


class MigrationRow(msgspec.Struct, frozen=True, kw_only=True):
    """One account's move from an appid to another; the platforms where the open platform changed with it."""

    workspace_id: int
    migration_id: UUID
    from_appid: str
    to_appid: str
    from_platform: str
    to_platform: str
    migrated_at: datetime
    closes_at: datetime
    failed: int = 0


async def keep(tx: Tx, row: MigrationRow) -> None:
    """Keep a migration."""
    values = msgspec.structs.asdict(row)
    del values["failed"]
    await tx.execute(_KEEP, **values)


def _row(record: Any) -> MigrationRow:
    return msgspec.convert(dict(record), MigrationRow)


async def find(tx: Tx, workspace_id: int, migration_id: UUID) -> MigrationRow | None:
    """Return a migration."""
    found = await tx.fetch(_FIND, workspace_id=workspace_id, migration_id=migration_id)
    return _row(found[0]) if found else None


async def listed(tx: Tx, workspace_id: int, *, before: UUID | None, limit: int) -> list[MigrationRow]:
    """Return migrations, the youngest first."""
    rows = await tx.fetch(_LIST, workspace_id=workspace_id, before=before, row_limit=limit)
    return [_row(one) for one in rows]


async def note_failed(tx: Tx, row: MigrationRow, failed: int) -> None:
    """Count openids that WeChat could not translate."""
    await tx.execute(_FAIL, workspace_id=row.workspace_id, migration_id=row.migration_id, failed=failed)


async def progress(tx: Tx, row: MigrationRow) -> tuple[int, int]:
    """Return how many openids of the old appid are known, and how many of them are translated."""
    (found,) = await tx.fetch(_COUNT, workspace_id=row.workspace_id, appid=row.from_appid)
    return found["known"], found["translated"]


async def outstanding(tx: Tx, row: MigrationRow, *, after: int, limit: int) -> Sequence[NodeRow]:
    """Return openids of the old appid that are not translated yet, by number."""
    rows = await tx.fetch(
        _OUTSTANDING, workspace_id=row.workspace_id, appid=row.from_appid, after=after, row_limit=limit
    )
    return [read_row(one) for one in rows]
