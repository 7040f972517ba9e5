"""What the resolver has still to read: claimed in the order of arrival, gone with the claiming transaction's commit."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.db import Tx, load_sql, statement

_CLAIM = load_sql(__file__, "claim_ingest.sql")
_PUT_BACK = statement(
    "insert into ingest_queue (workspace_id, event_id, received_at, replaces)"
    " select * from unnest(:workspace_ids::int[], :event_ids::uuid[], :received_ats::timestamptz[], :replaced::uuid[])"
)
_QUEUE_AGAIN = statement(
    "with again as (delete from passed_over where event_id = :event_id)"
    " insert into ingest_queue (workspace_id, event_id, received_at, evidence_only, replaces)"
    " values (:workspace_id, :event_id, :received_at, :evidence_only, :replaces)"
)
_PASSED = statement("select event_id from passed_over where event_id = any(:event_ids)")
_PASS_OVER = statement(
    "insert into passed_over (event_id, workspace_id) select * from unnest(:event_ids::uuid[], :workspace_ids::int[])"
    " on conflict do nothing"
)
_OLDEST = statement("select min(received_at) from ingest_queue where workspace_id = :workspace_id")
_COUNT = statement("select count(*) from ingest_queue where workspace_id = :workspace_id")


class IngestEntry(msgspec.Struct, frozen=True):
    """An event to be read; `evidence_only`: another copy is the event, this one only tells who belongs together.

    `replaces` is the copy that was the event until this one came; `predecessor_waits`: another worker is reading it.
    In the order of claim_ingest.sql.
    """

    workspace_id: int
    event_id: UUID
    received_at: datetime
    evidence_only: bool
    replaces: UUID | None = None
    predecessor_waits: bool = False


async def claim_entries(tx: Tx, limit: int) -> list[IngestEntry]:
    """Take up to `limit` entries off the queue (worker role, by index); a rollback puts them back."""
    rows = await tx.fetch(_CLAIM, limit=limit)
    return [IngestEntry(*row) for row in rows]


async def put_back(tx: Tx, entries: Sequence[IngestEntry]) -> None:
    """Queue entries again: they can be decided only after another worker's commit."""
    await tx.execute(
        _PUT_BACK,
        workspace_ids=[entry.workspace_id for entry in entries],
        event_ids=[entry.event_id for entry in entries],
        received_ats=[entry.received_at for entry in entries],
        replaced=[entry.replaces for entry in entries],
    )


async def queue_again(tx: Tx, entry: IngestEntry) -> None:
    """Queue an entry that was set aside: it is read as if it came now, so it is passed over no more."""
    await tx.execute(
        _QUEUE_AGAIN,
        workspace_id=entry.workspace_id,
        event_id=entry.event_id,
        received_at=entry.received_at,
        evidence_only=entry.evidence_only,
        replaces=entry.replaces,
    )


async def passed_over(tx: Tx, event_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the events that were read and not told."""
    return {row["event_id"] for row in await tx.fetch(_PASSED, event_ids=list(event_ids))}


async def pass_over(tx: Tx, entries: Sequence[IngestEntry]) -> None:
    """Note events that were read and not told because another copy had taken their place."""
    await tx.execute(
        _PASS_OVER,
        event_ids=[entry.event_id for entry in entries],
        workspace_ids=[entry.workspace_id for entry in entries],
    )


async def oldest_received(tx: Tx, workspace_id: int) -> datetime | None:
    """Return the arrival of the oldest entry of a workspace, for its watermark."""
    oldest: datetime | None = await tx.fetch_value(_OLDEST, workspace_id=workspace_id)
    return oldest


async def waiting(tx: Tx, workspace_id: int) -> int:
    """Return how many entries of a workspace wait."""
    return int(await tx.fetch_value(_COUNT, workspace_id=workspace_id))
