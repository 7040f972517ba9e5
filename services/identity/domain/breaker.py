"""The circuit breaker: which links come too fast to be believed."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeVar

WINDOW = timedelta(minutes=1)

T = TypeVar("T")


def rushed(arrivals: Iterable[tuple[datetime, T]], most: int) -> set[T]:
    """Return those of which more than `most` arrived within any one minute, ends included."""
    ordered = sorted(arrivals, key=lambda one: one[0])
    found: set[T] = set()
    first = 0
    for last, (at, _) in enumerate(ordered):
        while at - ordered[first][0] > WINDOW:
            first += 1
        if last - first + 1 > most:
            found.update(one for _, one in ordered[first : last + 1])
    return found
