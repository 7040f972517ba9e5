"""Who owns an identifier, and owned it when: facts by version, painted over time."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from libs.common.painting import BEGINNING, END, Interval, paint

__all__ = ["BEGINNING", "END", "Interval", "OwnershipFact", "held_then", "intervals"]


class OwnershipFact(msgspec.Struct, frozen=True):
    """The identifier belongs to `person_no` for events in [since, until); greater versions prevail.

    `received_at` is when it became known. Version 0 is what an event said before identity did.
    """

    subject_no: int
    version: int
    person_no: int
    received_at: datetime
    since: datetime | None = None
    until: datetime | None = None


def intervals(facts: Iterable[OwnershipFact]) -> list[Interval]:
    """Return who owns one identifier when: each fact paints from its `since` on, greater versions over smaller.

    Time before the first fact belongs to the first owner; neighbours of one owner are one interval.
    """
    return paint(facts)


def held_then(facts: Iterable[OwnershipFact], person_no: int, received_at: datetime, *, surely: bool) -> bool:
    """Return whether a person held one identifier as far as was known at `received_at`.

    What became known in that very instant may have been known or not: `surely` needs every reading to agree, else one
    is enough. So what a statement itself brings about (a withdrawal parts the identifier from its owner) cannot take
    the statement back. Before anything was known the first owner is taken to have held it.
    """
    # an interval of the past says nothing about who holds it
    ordered = sorted((fact for fact in facts if fact.until is None), key=_strength)
    if not ordered:
        return False
    before = [fact for fact in ordered if fact.received_at < received_at]
    holder = before[-1] if before else ordered[0]
    readings = [holder.person_no == person_no]
    for fact in ordered:
        if fact.received_at == received_at:
            holder = max(holder, fact, key=_strength) if before else fact
            readings.append(holder.person_no == person_no)
    return all(readings) if surely else any(readings)


def _strength(fact: OwnershipFact) -> tuple[int, datetime]:
    return fact.version, fact.since or BEGINNING
