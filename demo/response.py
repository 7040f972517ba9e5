"""The generated response layer: visits to a showroom with a known effect of the win-back message.

Purchases are fixed history: no message of ours could change them. So an effect to be found again is generated:
everybody in the win-back journey visits with a base rate, those who were sent the message with `EFFECT` more.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from demo.api import Api
from demo.calls import DemoCall
from demo.scores import Difference, difference
from demo.shopping import Household
from demo.touchpoints import SEED, YEAR_END, Touchpoints

BASE_RATE = 0.10
EFFECT = 0.15
VISITED = "Showroom Visited"
WINDOW = timedelta(days=14)


@dataclass(frozen=True)
class WinBackRun:
    """The first run of a household through the win-back journey."""

    household_id: int
    entered: datetime
    treated: bool


async def win_back_runs(api: Api, journey_id: str, household_of: dict[str, int]) -> list[WinBackRun]:
    """Return each household's first run whose outcome window has closed, with its arm."""
    first: dict[int, WinBackRun] = {}
    async for run in api.items("journey", f"/v1/journey/journeys/{journey_id}/runs"):
        household = household_of.get(run["person_id"])
        entered = datetime.fromisoformat(run["entry_time"])
        if household is None or entered + WINDOW > YEAR_END:
            continue
        known = first.get(household)
        if known is None or entered < known.entered:
            first[household] = WinBackRun(household, entered, run["arm"] != "control")
    return sorted(first.values(), key=lambda run: run.household_id)


def visits(runs: list[WinBackRun], world: dict[int, Touchpoints]) -> list[DemoCall]:
    """Return the generated visits: the same household, entry and arm give the same visit."""
    calls = []
    for run in runs:
        rng = random.Random(f"{SEED}:visit:{run.household_id}:{run.treated}")
        if rng.random() < BASE_RATE + (EFFECT if run.treated else 0.0):
            at = run.entered + timedelta(days=rng.uniform(0.5, 13.5))
            body: dict[str, Any] = {
                "type": "track",
                "messageId": f"visit-{run.household_id}-{run.entered:%Y%m%d}",
                "timestamp": at.isoformat(),
                "event": VISITED,
                "userId": world[run.household_id].member,
                "properties": {"generated": True},
            }
            calls.append(DemoCall(at, "store", body))
    return calls


def orders_after(run: WinBackRun, household: Household) -> bool:
    """Return whether the household ordered within the window after its entry."""
    return any(run.entered < basket.at <= run.entered + WINDOW for basket in household.baskets)


def compare(runs: list[WinBackRun], happened: set[int]) -> Difference:
    """Return treated minus control of the share in which it happened."""
    treated = [run for run in runs if run.treated]
    control = [run for run in runs if not run.treated]
    return difference(
        (sum(run.household_id in happened for run in treated), len(treated)),
        (sum(run.household_id in happened for run in control), len(control)),
    )
