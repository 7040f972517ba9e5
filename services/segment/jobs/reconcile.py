"""Every night, in each workspace: live segments against a full question, columnar days against the record."""

import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any

from opentelemetry import metrics

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.segment.clients.record import days_of_record
from services.segment.domain.moment import known_zone
from services.segment.domain.nightly import last_night
from services.segment.store import reconciliations, squashes
from services.segment.store.counting import counts_by_day
from services.segment.store.reconciliations import Findings, Reconciliation
from services.segment.usecases.insert_blocks import insert_blocks
from services.segment.usecases.reconcile_segments import reconcile_segments

log = logging.getLogger(__name__)
_meter = metrics.get_meter("rapport")
_drift = _meter.create_gauge(
    "rapport.segment.drift", description="memberships that were not what a full question says; has to be 0"
)
_apart = _meter.create_gauge(
    "rapport.segment.days_apart", description="events by which the columnar store's days differ from the record's"
)
LOOK_SECONDS = 300.0


async def run(runtime: Runtime[Any]) -> int:
    """Ask for what the night brings, and do what is asked for."""
    workspaces = {workspace.workspace_id: workspace for workspace in runtime.directory.workspaces()}
    async with runtime.worker_database.transaction(list(workspaces)) as tx:
        last = await reconciliations.last_nightly(tx)
        for workspace_id, workspace in workspaces.items():
            # a driven clock passes a year in seconds: there it is asked for
            due = last_night(runtime.clock.now(), known_zone(workspace.timezone))
            if not runtime.is_driven(workspace_id) and last.get(workspace_id, datetime.min.replace(tzinfo=UTC)) < due:
                await reconciliations.ask(tx, workspace_id, is_nightly=True)
        waiting = await reconciliations.open_ones(tx)
    for one in waiting:
        await _reconcile(runtime, one)
    return len(waiting)


async def _reconcile(runtime: Runtime[Any], one: Reconciliation) -> None:
    workspace_id = one.workspace_id
    # the record first: where it is away, all segments would be asked again and again for nothing
    days = await _days_apart(runtime, one)
    found = await reconcile_segments(runtime, workspace_id)
    found.days = days
    async with runtime.worker_database.transaction(workspace_id) as tx:
        await reconciliations.finish(tx, one, found)
    _tell(workspace_id, found)


async def _days_apart(runtime: Runtime[Any], one: Reconciliation) -> dict[str, tuple[int, int]]:
    """Return (columnar, record) for the days that differ; by night today is left out, for it is on its way."""
    workspace_id = one.workspace_id
    columnar = runtime.parts.columnar
    record = await days_of_record(runtime, workspace_id)
    async with runtime.parts.locks[workspace_id]:
        await insert_blocks(
            runtime.worker_database, columnar, workspace_id=workspace_id, sealer=runtime.sealer(workspace_id)
        )
        async with runtime.worker_database.transaction(workspace_id) as tx:
            moved = await squashes.moved(tx, workspace_id)
        rows = await counts_by_day(columnar, workspace_id, start=None, end=None, moved=moved)
    # counted by distinct ids beside rows: a doubled event must not hide a lost one
    held = {(row["day"], row["origin"]): (row["events"], row["distinct_events"]) for row in rows}
    last = date.max if not one.is_nightly else runtime.now(workspace_id).date() - timedelta(days=1)
    apart = {}
    for key in sorted(held.keys() | record.keys()):
        rows_held, distinct = held.get(key, (0, 0))
        told = record.get(key, 0)
        if key[0] <= last and not rows_held == distinct == told:
            apart[f"{key[0].isoformat()} {key[1]}"] = (rows_held, told)
    return apart


def _tell(workspace_id: int, found: Findings) -> None:
    labels = {"workspace": workspace_id}
    _drift.set(found.missing + found.surplus, labels)
    _apart.set(found.apart, labels)
    if found.drift or found.days:
        log.error(
            "reconciling found a difference; memberships are repaired",
            extra={
                "workspace": workspace_id,
                "missing": found.missing,
                "surplus": found.surplus,
                "days": sorted(found.days),
            },
        )


async def open_count(runtime: Runtime[Any], workspace_id: int) -> int:
    """Return 1 while a reconciliation is asked for."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return len(await reconciliations.open_ones(tx))


job = Job(name="reconcile", run=run, open=open_count, idle_seconds=LOOK_SECONDS)
