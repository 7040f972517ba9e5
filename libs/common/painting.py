"""Who owns an identifier when: what identity says of it, painted over event time.

Every receiver of `identity.ownership.changed` reads it this way, so all answer alike.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import NamedTuple, Protocol

# the first instant of year 1 is how the driver writes -infinity
BEGINNING = datetime(1, 1, 2, tzinfo=UTC)
END = datetime(9999, 12, 31, tzinfo=UTC)


class Said(Protocol):
    """The identifier belongs to `person_no` for events in [since, until); None is without end."""

    @property
    def version(self) -> int:
        """Return what prevails: the greater."""

    @property
    def person_no(self) -> int:
        """Return the owner."""

    @property
    def since(self) -> datetime | None:
        """Return the first event time it is about."""

    @property
    def until(self) -> datetime | None:
        """Return the first event time it is not about any more."""


class Interval(NamedTuple):
    """The identifier belongs to `person_no` at event times in [valid_from, valid_to)."""

    valid_from: datetime
    valid_to: datetime
    person_no: int


def paint(said: Iterable[Said]) -> list[Interval]:
    """Return who owns one identifier when: greater versions over smaller, within one the later beginning.

    All of time is owned: before the first fact by its owner, where nothing reaches by who owned it last. Neighbours of
    one owner are one interval. O(n log n) in the number of facts.
    """
    facts = sorted(said, key=lambda fact: fact.since or BEGINNING)
    edges = sorted({fact.since or BEGINNING for fact in facts} | {fact.until for fact in facts if fact.until})
    waiting: list[tuple[int, float, datetime, int]] = []
    found: list[Interval] = []
    position = 0
    for edge in edges:
        while position < len(facts) and (facts[position].since or BEGINNING) <= edge:
            fact = facts[position]
            heappush(waiting, (-fact.version, -position, fact.until or END, fact.person_no))
            position += 1
        while waiting and waiting[0][2] <= edge:
            heappop(waiting)
        if waiting and not (found and found[-1].person_no == waiting[0][3]):
            if found:
                found[-1] = found[-1]._replace(valid_to=edge)
            found.append(Interval(edge if found else BEGINNING, END, waiting[0][3]))
    return found


def owner_at(painted: Iterable[Interval], at: datetime) -> int:
    """Return the owner at an event time, 0 where nothing was said."""
    return next((one.person_no for one in painted if one.valid_from <= at < one.valid_to), 0)


def repainted(before: list[Interval], after: list[Interval]) -> list[tuple[Interval, int]]:
    """Return the intervals of `after` that had another owner, with him (0: none), cut where both stay the same."""
    edges = sorted({one.valid_from for one in (*before, *after)})
    found: list[tuple[Interval, int]] = []
    for edge, end in zip(edges, [*edges[1:], END], strict=True):
        old, new = owner_at(before, edge), owner_at(after, edge)
        if old == new:
            continue
        last = found[-1] if found else None
        if last is not None and last[0].valid_to == edge and (last[0].person_no, last[1]) == (new, old):
            found[-1] = last[0]._replace(valid_to=end), old
        else:
            found.append((Interval(edge, end, new), old))
    return found
