"""Of the copies of an event exactly one is told to the others, however their reading is cut into batches."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID


class Copy(NamedTuple):
    """An event that is being read: is another copy the event by now, and whose place did it take itself?"""

    event_id: UUID
    is_conflict: bool
    replaces: UUID | None


class Choice(NamedTuple):
    """The events to tell, and those passed over: read, not told, because another copy had taken their place."""

    told: set[UUID]
    passed: set[UUID]


def choose_told(copies: Iterable[Copy], passed_before: set[UUID]) -> Choice:
    """Choose among copies in the order they came.

    One that took another's place is told only when that one was passed over; otherwise the other has been told, and
    what was told is not taken back.
    """
    told: set[UUID] = set()
    passed: set[UUID] = set()
    for copy in copies:
        if copy.replaces is not None and copy.replaces not in passed_before and copy.replaces not in passed:
            continue
        (passed if copy.is_conflict else told).add(copy.event_id)
    return Choice(told, passed)
