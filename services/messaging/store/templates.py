"""Templates and their versions: the newest is the one that is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.common.db import Tx, statement
from services.messaging.domain.template import Template

_LATEST = """
    select t.template_id, t.key, t.name, v.version, v.document, v.created_at
    from template t
    join template_version v using (workspace_id, template_id, version)
    where t.workspace_id = :workspace_id
"""
_BY_IDS = statement(_LATEST + "and (t.template_id = any(:template_ids::uuid[]) or t.key = any(:keys::text[]))")
_PAGE = statement(_LATEST + "and t.key > :after order by t.key limit :limit")
_VERSION = statement("""
    select t.template_id, t.key, t.name, v.version, v.document, v.created_at
    from template t
    join template_version v using (workspace_id, template_id)
    where t.workspace_id = :workspace_id and t.key = :key and v.version = :version
""")
_PUT = statement("""
    insert into template as t (workspace_id, template_id, key, name, version, changed_at)
    values (:workspace_id, :template_id, :key, :name, 1, :now)
    on conflict (workspace_id, key) do update
    set name = excluded.name, version = t.version + 1, changed_at = excluded.changed_at
    returning t.template_id, t.version
""")
_PUT_VERSION = statement("""
    insert into template_version (workspace_id, template_id, version, document, created_at, created_by)
    values (:workspace_id, :template_id, :version, :document, :now, :created_by)
""")


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """One version of a template as it is kept."""

    template_id: UUID
    key: str
    name: str
    version: int
    template: Template
    created_at: datetime


def _stored(row: Any) -> StoredTemplate:
    template = msgspec.convert(row["document"], Template)
    return StoredTemplate(row["template_id"], row["key"], row["name"], row["version"], template, row["created_at"])


async def latest_templates(
    tx: Tx, workspace_id: int, *, template_ids: Sequence[UUID] = (), keys: Sequence[str] = ()
) -> list[StoredTemplate]:
    """Return the newest versions of the templates that exist."""
    rows = await tx.fetch(_BY_IDS, workspace_id=workspace_id, template_ids=list(template_ids), keys=list(keys))
    return [_stored(row) for row in rows]


async def template_version(tx: Tx, workspace_id: int, key: str, version: int) -> StoredTemplate | None:
    """Return one version."""
    row = await tx.fetch_one(_VERSION, workspace_id=workspace_id, key=key, version=version)
    return _stored(row) if row is not None else None


async def list_templates(tx: Tx, workspace_id: int, *, after: str, limit: int) -> list[StoredTemplate]:
    """Return newest versions by key."""
    return [_stored(row) for row in await tx.fetch(_PAGE, workspace_id=workspace_id, after=after, limit=limit)]


async def put_template(
    tx: Tx, workspace_id: int, *, key: str, name: str, template: Template, template_id: UUID, by: str, now: datetime
) -> tuple[UUID, int]:
    """Add a version; `template_id` names the template if it is new. Return (template id, version)."""
    [row] = await tx.fetch(_PUT, workspace_id=workspace_id, template_id=template_id, key=key, name=name, now=now)
    await tx.execute(
        _PUT_VERSION,
        workspace_id=workspace_id,
        template_id=row["template_id"],
        version=row["version"],
        document=msgspec.to_builtins(template),
        now=now,
        created_by=by,
    )
    return row["template_id"], row["version"]
