"""What became of messages: kept for the trace, and heard by the runs that wait for it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from libs.common.db import Tx
from services.journey.store.runs import lock_runs_by_id, wake_runs
from services.journey.store.signals import OutcomeRow, add_outcomes


async def hear_outcomes(tx: Tx, outcomes: Sequence[OutcomeRow], *, now: Mapping[int, datetime]) -> int:
    """Keep outcomes and return how many runs are to be looked at now."""
    await add_outcomes(tx, outcomes)
    nodes = {(outcome.workspace_id, outcome.run_id): outcome.node for outcome in outcomes}
    runs = await lock_runs_by_id(tx, sorted(run_id for _, run_id in nodes))
    waiting = [run for run in runs if nodes.get((run.workspace_id, run.run_id)) == run.node]
    return await wake_runs(tx, [(run.run_id, now[run.workspace_id]) for run in waiting])
