"""The picture of workspaces, sources and keys in the service's own schema: a start without the bus has it."""

import msgspec

from libs.common.access.model import AccessRecord, ApiKey, Source, Workspace
from libs.common.db import Tx, statement

_WORKSPACE = """
insert into workspace (workspace_id, key, name, timezone, status, driven_now, data_keys, settings, version)
values (:workspace_id, :key, :name, :timezone, :status, :driven_now, :data_keys, :settings, :version)
on conflict (workspace_id) do update set
    key = excluded.key, name = excluded.name, timezone = excluded.timezone, status = excluded.status,
    driven_now = greatest(workspace.driven_now, excluded.driven_now),
    data_keys = excluded.data_keys, settings = excluded.settings, version = excluded.version
where workspace.version <= excluded.version
"""
_SOURCE = """
insert into source (source_id, workspace_id, document)
values (:source_id, :workspace_id, :document)
on conflict (source_id) do update set document = excluded.document
where (source.document ->> 'version')::int <= (excluded.document ->> 'version')::int
"""
_KEY = """
insert into api_key (hash, workspace_id, document)
values (:hash, :workspace_id, :document)
on conflict (hash) do update set document = excluded.document
where (api_key.document ->> 'version')::int <= (excluded.document ->> 'version')::int
"""


async def save_record(tx: Tx, record: AccessRecord) -> None:
    """Keep a record unless a newer version is there."""
    if isinstance(record, Workspace):
        fields = msgspec.structs.asdict(record)
        await tx.execute(statement(_WORKSPACE), **fields)
    elif isinstance(record, Source):
        await tx.execute(
            statement(_SOURCE),
            source_id=record.source_id,
            workspace_id=record.workspace_id,
            document=msgspec.to_builtins(record),
        )
    else:
        await tx.execute(
            statement(_KEY),
            hash=record.hash,
            workspace_id=record.workspace_id,
            document=msgspec.to_builtins(record),
        )


async def load_records(tx: Tx) -> list[AccessRecord]:
    """Return everything kept."""
    records: list[AccessRecord] = [
        Workspace(**{**dict(row), "data_keys": row["data_keys"] or {}, "settings": row["settings"] or {}})
        for row in await tx.fetch(
            statement(
                "select workspace_id, key, name, timezone, status, driven_now, data_keys, settings, version"
                " from workspace"
            )
        )
    ]
    sources = await tx.fetch(statement("select document from source"))
    records += [msgspec.convert(row["document"], Source) for row in sources]
    keys = await tx.fetch(statement("select document from api_key"))
    records += [msgspec.convert(row["document"], ApiKey) for row in keys]
    return records
