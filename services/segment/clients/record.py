"""How many events the owners told, by day: what the columnar store has to hold."""

from collections import Counter
from datetime import date
from typing import Any
from urllib.parse import quote

from libs.common.contracts.event import Event, owner_of
from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.contracts.journey.run_progressed import RunProgressed
from libs.common.contracts.messaging.message_progressed import MessageProgressed
from libs.common.runtime import Runtime

CONTRACTS: dict[str, tuple[type[Event], ...]] = {
    "collected": (EventRecorded,),
    "own": (MessageProgressed, RunProgressed),
}


async def days_of_record(runtime: Runtime[Any], workspace_id: int) -> dict[tuple[date, str], int]:
    """Return how many events were told, by (day received in UTC, origin)."""
    days: Counter[tuple[date, str]] = Counter()
    for origin, contracts in CONTRACTS.items():
        for contract in contracts:
            owner = owner_of(contract)
            path = f"/v1/{owner}/told/days?subject={quote(contract.subject)}"
            counted = await runtime.peers.get(owner, path, workspace_id, dict[date, int])
            for day, events in counted.items():
                days[day, origin] += events
    return dict(days)
