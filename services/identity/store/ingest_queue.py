"""What the resolver has still to read: claimed in the order of arrival, gone with the claiming transaction's commit."""

from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.db import Tx, load_sql, statement

_CLAIM = load_sql(__file__, "claim_ingest.sql")
_OLDEST = statement("select min(received_at) from ingest_queue where workspace_id = :workspace_id")
_COUNT = statement("select count(*) from ingest_queue where workspace_id = :workspace_id")


class IngestEntry(msgspec.Struct, frozen=True):
    """An event to be read; `evidence_only`: another copy is the event, this one only tells who belongs together."""

    workspace_id: int
    event_id: UUID
    received_at: datetime
    evidence_only: bool


async def claim_entries(tx: Tx, limit: int) -> list[IngestEntry]:
    """Take up to `limit` entries off the queue (worker role); a rollback puts them back."""
    rows = await tx.fetch(_CLAIM, limit=limit)
    return [IngestEntry(row["workspace_id"], row["event_id"], row["received_at"], row["evidence_only"]) for row in rows]


async def oldest_received(tx: Tx, workspace_id: int) -> datetime | None:
    """Return the arrival of the oldest entry of a workspace, for its watermark."""
    oldest: datetime | None = await tx.fetch_value(_OLDEST, workspace_id=workspace_id)
    return oldest


async def waiting(tx: Tx, workspace_id: int) -> int:
    """Return how many entries of a workspace wait."""
    return int(await tx.fetch_value(_COUNT, workspace_id=workspace_id))
