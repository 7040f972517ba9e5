"""Tracking plans, and what departed from them."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from libs.common.db import Tx, load_sql, statement
from services.identity.domain.tracking_plan import TrackingPlan

_IN_FORCE = statement(
    "select distinct on (workspace_id) workspace_id, version from tracking_plan"
    " where workspace_id = any(:workspace_ids) order by workspace_id, version desc"
)
_READ = statement("select plan from tracking_plan where workspace_id = :workspace_id and version = :version")
_ADD = statement(
    "insert into tracking_plan (workspace_id, version, plan, created_at)"
    " select :workspace_id, coalesce(max(version), 0) + 1, :plan, :now from tracking_plan"
    " where workspace_id = :workspace_id returning version"
)
_LOCK = statement("select pg_advisory_xact_lock(hashtextextended('tracking plan', :workspace_id))")
_COUNT = load_sql(__file__, "count_violations.sql")
_LIST = statement(
    "select event_name, pointer, reason, source_id, mode, seen, first_seen, last_seen from plan_violation"
    " where workspace_id = :workspace_id and (:event_name::text is null or event_name = :event_name)"
    " and (:after_name::text is null or (event_name, pointer, reason, source_id)"
    " > (:after_name, :after_pointer, :after_reason, :after_source))"
    " order by event_name, pointer, reason, source_id limit :row_limit"
)


class PlanShelf:
    """The plans this process has read: a version never changes."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, TrackingPlan]] = {}

    async def in_force(self, tx: Tx, workspace_ids: Collection[int]) -> dict[int, TrackingPlan]:
        """Return the plans of those workspaces that have one, as they stand in this transaction."""
        rows = await tx.fetch(_IN_FORCE, workspace_ids=sorted(workspace_ids))
        return {row["workspace_id"]: await self._of_version(tx, row["workspace_id"], row["version"]) for row in rows}

    async def _of_version(self, tx: Tx, workspace_id: int, version: int) -> TrackingPlan:
        known = self._known.get(workspace_id)
        if known is None or known[0] != version:
            document = await tx.fetch_value(_READ, workspace_id=workspace_id, version=version)
            known = self._known[workspace_id] = version, msgspec.convert(document, TrackingPlan)
        return known[1]


async def add(tx: Tx, workspace_id: int, plan: TrackingPlan, now: datetime) -> int:
    """Put a plan in force; return its version."""
    await tx.execute(_LOCK, workspace_id=workspace_id)
    document = msgspec.to_builtins(plan)
    return int(await tx.fetch_value(_ADD, workspace_id=workspace_id, plan=document, now=now))


async def present(tx: Tx, workspace_id: int) -> tuple[int, TrackingPlan]:
    """Return the plan in force with its version; version 0 plans nothing and lets everything in."""
    rows = await tx.fetch(_IN_FORCE, workspace_ids=[workspace_id])
    if not rows:
        return 0, TrackingPlan()
    version = rows[0]["version"]
    document = await tx.fetch_value(_READ, workspace_id=workspace_id, version=version)
    return version, msgspec.convert(document, TrackingPlan)


class Departure(msgspec.Struct, frozen=True):
    """A way in which a source's calls of one name departed from the plan."""

    workspace_id: int
    event_name: str
    pointer: str
    reason: str
    source_id: int
    mode: str
    seen: int


async def count(tx: Tx, departures: Sequence[Departure], now: datetime) -> None:
    """Add departures up; in the order of their key, so that two processes do not deadlock."""
    rows = sorted(departures, key=lambda one: msgspec.structs.astuple(one)[:5])
    await tx.execute(
        _COUNT,
        workspace_ids=[row.workspace_id for row in rows],
        event_names=[row.event_name for row in rows],
        pointers=[row.pointer for row in rows],
        reasons=[row.reason for row in rows],
        source_ids=[row.source_id for row in rows],
        modes=[row.mode for row in rows],
        counts=[row.seen for row in rows],
        now=now,
    )


class DepartureRow(msgspec.Struct, frozen=True, kw_only=True):
    """A departure with how often and when it was seen."""

    event_name: str
    pointer: str
    reason: str
    source_id: int
    mode: str
    seen: int
    first_seen: datetime
    last_seen: datetime


async def list_rows(
    tx: Tx, *, workspace_id: int, event_name: str | None, after: tuple[str, str, str, int] | None, limit: int
) -> list[DepartureRow]:
    """Return departures in the order of their names."""
    name, pointer, reason, source = after or (None, None, None, None)
    rows = await tx.fetch(
        _LIST, workspace_id=workspace_id, event_name=event_name, row_limit=limit,
        after_name=name, after_pointer=pointer, after_reason=reason, after_source=source,
    )  # fmt: skip
    return [DepartureRow(**dict(row)) for row in rows]
