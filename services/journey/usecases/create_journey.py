"""Make a journey."""

from datetime import datetime
from typing import Any

from libs.common.db import Tx
from libs.common.ids import new_id
from services.journey.store.journeys import JourneyRow, insert_journey


async def create_journey(
    tx: Tx, *, workspace_id: int, name: str, definition: dict[str, Any], now: datetime
) -> JourneyRow:
    """Add a draft; it need not be sound before it is published."""
    journey_id = new_id()
    await insert_journey(tx, workspace_id=workspace_id, journey_id=journey_id, name=name, draft=definition, now=now)
    return JourneyRow(journey_id, name, "draft", definition, 0, now, now)
