"""The definitions a segment had."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx, statement


@dataclass(frozen=True)
class VersionRow:
    """A definition as it was; `published_at` is when it was asked for everybody, None for what stayed a draft."""

    version: int
    definition: str
    created_at: datetime
    published_at: datetime | None


_VERSIONS = statement(
    """
    select version, definition, created_at, published_at from segment.segment_version
    where workspace_id = :workspace_id and segment_id = :segment_id and version < :before
    order by version desc limit :limit
    """
)


async def versions_before(tx: Tx, workspace_id: int, segment_id: UUID, *, before: int, limit: int) -> list[VersionRow]:
    """Return the versions below a number, newest first."""
    records = await tx.fetch(_VERSIONS, workspace_id=workspace_id, segment_id=segment_id, before=before, limit=limit)
    return [VersionRow(**dict(record)) for record in records]
