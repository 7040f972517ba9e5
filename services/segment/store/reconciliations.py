"""What reconciling found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.db import Tx, statement
from libs.common.ids import new_id

_COLUMNS = (
    "reconciliation_id, workspace_id, requested_at, is_nightly, finished_at, segments, failed, missing, surplus, apart,"
    " details"
)
_ASK = statement(
    """
    insert into segment.reconciliation (workspace_id, reconciliation_id, is_nightly)
    values (:workspace_id, :reconciliation_id, :is_nightly)
    on conflict (workspace_id) where finished_at is null do nothing
    """
)
_OPEN = statement(f"select {_COLUMNS} from segment.reconciliation where finished_at is null order by workspace_id")
_PAGE = statement(
    f"""
    select {_COLUMNS} from segment.reconciliation
    where workspace_id = :workspace_id and reconciliation_id < :before
    order by reconciliation_id desc limit :limit
    """
)
_LAST_NIGHTLY = statement(
    "select workspace_id, max(requested_at) as at from segment.reconciliation where is_nightly group by workspace_id"
)
_FINISH = statement(
    """
    update segment.reconciliation set finished_at = clock_timestamp(), segments = :segments, failed = :failed,
        missing = :missing, surplus = :surplus, apart = :apart, details = :details
    where workspace_id = :workspace_id and reconciliation_id = :reconciliation_id
    """
)
_FORGET = statement(
    "delete from segment.reconciliation where finished_at < clock_timestamp() - make_interval(days => 90)"
)


@dataclass(frozen=True)
class Reconciliation:
    """One look at all live segments of a workspace and at its days."""

    reconciliation_id: UUID
    workspace_id: int
    requested_at: datetime
    is_nightly: bool
    finished_at: datetime | None
    segments: int
    failed: int
    missing: int
    surplus: int
    apart: int
    details: Mapping[str, Any]


@dataclass
class Findings:
    """What was found: (missing, surplus) by segment, and (columnar, record) by day and origin where they differ."""

    segments: int = 0
    failed: dict[UUID, str] = field(default_factory=dict)
    drift: dict[UUID, tuple[int, int]] = field(default_factory=dict)
    days: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """Return how many memberships were missing."""
        return sum(missing for missing, _ in self.drift.values())

    @property
    def surplus(self) -> int:
        """Return how many memberships there were too many."""
        return sum(surplus for _, surplus in self.drift.values())

    @property
    def apart(self) -> int:
        """Return by how many events the days differ."""
        return sum(abs(columnar - record) for columnar, record in self.days.values())


async def ask(tx: Tx, workspace_id: int, *, is_nightly: bool) -> None:
    """Ask for a workspace to be reconciled, unless it is about to be."""
    await tx.execute(_ASK, workspace_id=workspace_id, reconciliation_id=new_id(), is_nightly=is_nightly)


async def open_ones(tx: Tx) -> list[Reconciliation]:
    """Return what is asked for in the transaction's workspaces."""
    return [Reconciliation(**dict(row)) for row in await tx.fetch(_OPEN)]


async def page(tx: Tx, workspace_id: int, *, before: UUID, limit: int) -> list[Reconciliation]:
    """Return reconciliations, newest first."""
    rows = await tx.fetch(_PAGE, workspace_id=workspace_id, before=before, limit=limit)
    return [Reconciliation(**dict(row)) for row in rows]


async def last_nightly(tx: Tx) -> dict[int, datetime]:
    """Return when each of the transaction's workspaces was last asked for by night."""
    return {row["workspace_id"]: row["at"] for row in await tx.fetch(_LAST_NIGHTLY)}


async def finish(tx: Tx, one: Reconciliation, found: Findings) -> None:
    """Keep what was found, and forget what is older than 90 days."""
    details = {
        "failed": {str(segment_id): reason for segment_id, reason in found.failed.items()},
        "drift": {str(segment_id): list(apart) for segment_id, apart in found.drift.items()},
        "days": {day: list(apart) for day, apart in found.days.items()},
    }
    await tx.execute(
        _FINISH,
        workspace_id=one.workspace_id,
        reconciliation_id=one.reconciliation_id,
        segments=found.segments,
        failed=len(found.failed),
        missing=found.missing,
        surplus=found.surplus,
        apart=found.apart,
        details=details,
    )
    await tx.execute(_FORGET)
