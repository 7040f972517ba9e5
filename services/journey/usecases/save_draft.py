"""Change a journey's draft."""

from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import NotFound
from services.journey.store.journeys import JourneyRow, get_journey, save_journey


async def save_draft(
    tx: Tx, *, workspace_id: int, journey_id: UUID, name: str | None, definition: dict[str, Any], now: datetime
) -> JourneyRow:
    """Replace the draft; what is published stays as it is."""
    journey = await get_journey(tx, workspace_id=workspace_id, journey_id=journey_id, lock=True)
    if journey is None:
        raise NotFound("there is no such journey")
    journey = journey._replace(name=name or journey.name, draft=definition, changed_at=now)
    await save_journey(tx, workspace_id=workspace_id, journey=journey, now=now)
    return journey
