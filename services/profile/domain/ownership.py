"""Who owns an identifier, and owned it when: facts by version, painted over time."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

# the first instant of year 1 is how the driver writes -infinity
BEGINNING = datetime(1, 1, 2, tzinfo=UTC)
END = datetime(9999, 12, 31, tzinfo=UTC)


class OwnershipFact(msgspec.Struct, frozen=True):
    """The identifier belongs to `person_no` from `since` on (always, when None); the greatest version prevails.

    `received_at` is when it became known. Version 0 is what an event said before identity did.
    """

    subject_no: int
    version: int
    person_no: int
    received_at: datetime
    since: datetime | None = None


class Interval(NamedTuple):
    """The identifier belongs to `person_no` at event times in [valid_from, valid_to)."""

    valid_from: datetime
    valid_to: datetime
    person_no: int


def intervals(facts: Iterable[OwnershipFact]) -> list[Interval]:
    """Return who owns one identifier when: each fact paints from its `since` on, greater versions over smaller.

    Time before the first fact belongs to the first owner; neighbours of one owner are one interval.
    """
    strongest_first = sorted(facts, key=lambda fact: (fact.version, fact.since or BEGINNING), reverse=True)
    found: list[Interval] = []
    for start in sorted({fact.since or BEGINNING for fact in strongest_first}):
        person_no = next(fact.person_no for fact in strongest_first if (fact.since or BEGINNING) <= start)
        if found and found[-1].person_no == person_no:
            continue
        if found:
            found[-1] = found[-1]._replace(valid_to=start)
        found.append(Interval(start if found else BEGINNING, END, person_no))
    return found


def held_then(facts: Iterable[OwnershipFact], person_no: int, received_at: datetime, *, surely: bool) -> bool:
    """Return whether a person held one identifier as far as was known at `received_at`.

    What became known in that very instant may have been known or not: `surely` needs both readings to agree, else one
    is enough. Before anything was known the first owner is taken to have held it.
    """
    ordered = sorted(facts, key=lambda fact: (fact.version, fact.since or BEGINNING))
    if not ordered:
        return False
    before = [fact for fact in ordered if fact.received_at < received_at]
    until = [fact for fact in ordered if fact.received_at <= received_at]
    holders = [(known[-1] if known else ordered[0]).person_no == person_no for known in (before, until)]
    return all(holders) if surely else any(holders)
