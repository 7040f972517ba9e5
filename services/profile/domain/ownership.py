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


def owner_as_known(facts: Iterable[OwnershipFact], received_at: datetime) -> int:
    """Return who owned one identifier as far as was known at `received_at` (its first owner when nothing was)."""
    ordered = sorted(facts, key=lambda fact: (fact.version, fact.since or BEGINNING))
    known = [fact for fact in ordered if fact.received_at <= received_at]
    return known[-1].person_no if known else ordered[0].person_no
