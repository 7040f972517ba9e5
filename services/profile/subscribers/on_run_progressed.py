"""Journeys move persons."""

from libs.common.bus import Subscription
from libs.common.contracts.journey.run_progressed import RunProgressed
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.profile.usecases.record_progress import record_runs


async def handle(tx: Tx, events: list[RunProgressed], _runtime: Runtime[None]) -> None:
    """Keep the steps in the timeline."""
    await record_runs(tx, events)


subscription = Subscription(contract=RunProgressed, handle=handle, again=handle, name="on_run_progressed")
