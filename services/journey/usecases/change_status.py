"""Pause, resume and stop a journey."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import Conflict, NotFound
from services.journey.domain.advance import JourneyStatus
from services.journey.store.journeys import JourneyRow, get_journey, save_journey
from services.journey.store.publishing import release_timers

Change = Literal["pause", "resume", "stop"]
_ALLOWED: dict[Change, tuple[frozenset[JourneyStatus], JourneyStatus]] = {
    "pause": (frozenset({"live"}), "paused"),
    "resume": (frozenset({"paused"}), "live"),
    "stop": (frozenset({"live", "paused"}), "stopped"),
}


async def change_status(tx: Tx, *, workspace_id: int, journey_id: UUID, change: Change, now: datetime) -> JourneyRow:
    """Change the status and return the journey.

    A pause keeps the runs where they are. A resume releases those that came due meanwhile through the throttle; what
    expired is dropped at its send. A stop ends all runs (reason operator).
    """
    journey = await get_journey(tx, workspace_id=workspace_id, journey_id=journey_id, lock=True)
    if journey is None:
        raise NotFound("there is no such journey")
    allowed, status = _ALLOWED[change]
    if journey.status not in allowed:
        raise Conflict(f"a {journey.status} journey cannot {change}")
    journey = journey._replace(status=status, changed_at=now)
    await save_journey(tx, workspace_id=workspace_id, journey=journey, now=now)
    if change in {"resume", "stop"}:
        await release_timers(
            tx, workspace_id=workspace_id, journey_id=journey_id, now=now, parked_only=change == "resume"
        )
    return journey
