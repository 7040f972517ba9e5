"""Delete, bit by bit, what no cap, window or reader looks back at: the tables do not grow for ever."""

import time
from datetime import datetime, timedelta
from uuid import UUID

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.messaging.clients.parts import Parts
from services.messaging.domain.policy import Policy
from services.messaging.store.policies import load_policies
from services.messaging.store.sweeping import first_id_of, sweep_slots, sweep_trails

BATCH = 5000
PAUSE_SECONDS = 600.0
LAST_ID = UUID(int=2**128 - 1)
LEAST_HORIZON = timedelta(days=35)
"""A cap by the month that is made today counts what was sent this month."""


async def run(runtime: Runtime[Parts]) -> int:
    """Sweep a batch of every workspace; once there is nothing left, rest however often the clocks are driven."""
    swept_at = runtime.parts.swept_at
    if swept_at is not None and time.monotonic() - swept_at < PAUSE_SECONDS:
        return 0
    workspace_ids = [workspace.workspace_id for workspace in runtime.directory.workspaces()]
    async with runtime.worker_database.transaction(workspace_ids) as tx:
        policies = await load_policies(tx, workspace_ids)
    done = 0
    for workspace_id in workspace_ids:
        done += await _sweep(runtime, workspace_id, policies.get(workspace_id, Policy()))
    if not done:
        runtime.parts.swept_at = time.monotonic()
    return done


async def _sweep(runtime: Runtime[Parts], workspace_id: int, policy: Policy) -> int:
    now = runtime.now(workspace_id)
    # Ids are made in real time: they tell nothing about what happened by a driven clock.
    is_driven = runtime.is_driven(workspace_id)
    counted = _back(now, max(policy.horizon, LEAST_HORIZON))
    read = _back(now, timedelta(days=runtime.parts.settings.trail_days))
    async with runtime.worker_database.transaction(workspace_id) as tx:
        below = LAST_ID if is_driven else first_id_of(counted)
        slots = await sweep_slots(tx, workspace_id, before=counted, below=below, size=BATCH)
        below = LAST_ID if is_driven else first_id_of(read)
        return slots + await sweep_trails(tx, workspace_id, before=read, below=below, size=BATCH)


def _back(now: datetime, span: timedelta) -> datetime:
    """Return the instant a span ago, or the first there is."""
    try:
        return now - span
    except OverflowError:
        return datetime.min.replace(tzinfo=now.tzinfo)


async def _open(runtime: Runtime[Parts], workspace_id: int) -> int:
    del runtime, workspace_id  # nobody waits for it
    return 0


job = Job(name="sweep_old", run=run, open=_open, idle_seconds=PAUSE_SECONDS)
