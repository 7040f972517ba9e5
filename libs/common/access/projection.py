"""The picture of workspaces, sources and keys in the service's own schema: a start without the bus has it."""

import msgspec
from asyncpg import Record

from libs.common.access.model import AccessRecord, ApiKey, Source, Workspace
from libs.common.db import Tx, statement

_WORKSPACE = """
insert into workspace (workspace_id, key, name, timezone, status, driven_now, data_keys, settings, version)
values (:workspace_id, :key, :name, :timezone, :status, :driven_now, :data_keys, :settings, :version)
on conflict (workspace_id) do update set
    key = excluded.key, name = excluded.name, timezone = excluded.timezone, status = excluded.status,
    driven_now = greatest(workspace.driven_now, excluded.driven_now),
    data_keys = excluded.data_keys, settings = excluded.settings, version = excluded.version
where workspace.version < excluded.version
"""
_CLOCK = """
update workspace set driven_now = :driven_now
where workspace_id = :workspace_id and version = :version
    and (driven_now is null or driven_now < :driven_now)
"""
_SOURCE = """
insert into source (source_id, workspace_id, document)
values (:source_id, :workspace_id, :document)
on conflict (source_id) do update set document = excluded.document
where (source.document ->> 'version')::int < (excluded.document ->> 'version')::int
"""
_KEY = """
insert into api_key (hash, workspace_id, document)
values (:hash, :workspace_id, :document)
on conflict (hash) do update set document = excluded.document
where (api_key.document ->> 'version')::int < (excluded.document ->> 'version')::int
"""


WORKSPACE_COLUMNS = "workspace_id, key, name, timezone, status, driven_now, data_keys, settings, version"


def workspace_of(row: Record) -> Workspace:
    """Return the workspace in a row of WORKSPACE_COLUMNS."""
    return Workspace(**{**dict(row), "data_keys": row["data_keys"] or {}, "settings": row["settings"] or {}})


async def save_record(tx: Tx, record: AccessRecord) -> bool:
    """Keep a record unless this or a newer version is there; tell whether it was kept.

    Of one version there is one content; only a driven clock goes on within it.
    """
    if isinstance(record, Workspace):
        if await tx.execute(statement(_WORKSPACE), **msgspec.structs.asdict(record)):
            return True
        if record.driven_now is not None:
            await tx.execute(
                statement(_CLOCK),
                workspace_id=record.workspace_id,
                version=record.version,
                driven_now=record.driven_now,
            )
        return False
    document = msgspec.to_builtins(record)
    if isinstance(record, Source):
        kept = await tx.execute(
            statement(_SOURCE), source_id=record.source_id, workspace_id=record.workspace_id, document=document
        )
    else:
        kept = await tx.execute(statement(_KEY), hash=record.hash, workspace_id=record.workspace_id, document=document)
    return bool(kept)


async def load_records(tx: Tx) -> list[AccessRecord]:
    """Return everything kept."""
    records: list[AccessRecord] = [
        workspace_of(row) for row in await tx.fetch(statement(f"select {WORKSPACE_COLUMNS} from workspace"))
    ]
    sources = await tx.fetch(statement("select document from source"))
    records += [msgspec.convert(row["document"], Source) for row in sources]
    keys = await tx.fetch(statement("select document from api_key"))
    records += [msgspec.convert(row["document"], ApiKey) for row in keys]
    return records
