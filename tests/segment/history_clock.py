"""Where the clock of generated histories stands: it goes on by spans, and to where a day begins, or clocks change."""

import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.segment.generated_values import CHANGES, OWN_ZONES, TURNS, midnight

A_TICK = timedelta(microseconds=1)


def first_instant(chance: random.Random) -> datetime:
    """Return when a history begins: just after it may, or a span before something."""
    return chance.choice([*TURNS, *CHANGES]) + timedelta(microseconds=7)


def next_instant(now: datetime, chance: random.Random) -> datetime:
    """Return a later instant; one of three times midnight for somebody, or just before it, or where clocks change."""
    if chance.random() < 1 / 3:
        zone = chance.choice(OWN_ZONES)
        tomorrow = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
        ahead = [midnight(tomorrow, zone), *(at for at in CHANGES if now < at)]
        at = chance.choice(ahead[:2]) + chance.choice([-A_TICK, timedelta(0), timedelta(seconds=1)])
        if at > now:
            return at
    hours = chance.choice([0, 0, 0.5, 1, 5, 13, 13, 26, 170, 800])
    return now + timedelta(hours=hours, seconds=chance.randint(1, 90))
