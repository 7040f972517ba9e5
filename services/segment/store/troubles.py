"""Live segments that cannot be answered: their members stay, the reason is shown, they are tried again."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx, statement

_NOTE = statement(
    """
    update segment.segment set trouble = given.reason, trouble_since = coalesce(trouble_since, :now::timestamptz),
        tried_at = clock_timestamp()
    from unnest(:segment_ids::uuid[], :reasons::text[]) as given (segment_id, reason)
    where segment.workspace_id = :workspace_id::int and segment.segment_id = given.segment_id
    """
)
_CLEAR = statement(
    """
    update segment.segment set trouble = '', trouble_since = null
    where workspace_id = :workspace_id and segment_id = :segment_id and trouble <> ''
    """
)
_WAITING = statement(
    """
    select workspace_id, segment_id, version,
        case when live_version is null then 'backfill' when live_version <> version then 'edit' else 'reconcile' end
            as cause
    from segment.segment
    where trouble <> '' and state <> 'paused' and tried_at < clock_timestamp() - make_interval(secs => :seconds::float8)
      and not exists (
          select from segment.recompute
          where recompute.workspace_id = segment.workspace_id and recompute.segment_id = segment.segment_id
      )
    order by tried_at limit 100
    """
)


async def note(tx: Tx, workspace_id: int, failed: Mapping[UUID, str], *, now: datetime) -> None:
    """Note segments that could not be answered, each with the reason."""
    if failed:
        await tx.execute(
            _NOTE,
            workspace_id=workspace_id,
            segment_ids=list(failed),
            reasons=[reason[:500] for reason in failed.values()],
            now=now,
        )


async def clear(tx: Tx, workspace_id: int, segment_id: UUID) -> None:
    """Note that a segment is answered again."""
    await tx.execute(_CLEAR, workspace_id=workspace_id, segment_id=segment_id)


async def to_try_again(tx: Tx, *, seconds: float) -> list[tuple[int, UUID, int, str]]:
    """Return (workspace, segment, newest version, why it is computed) of those not tried for so long.

    Of the visible workspaces. What was to be computed when it failed is computed for the same reason.
    """
    rows = await tx.fetch(_WAITING, seconds=seconds)
    return [(row["workspace_id"], row["segment_id"], row["version"], row["cause"]) for row in rows]
