"""What is said outside of a person's consent: enough to answer any question about him, now and as grants run out."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from services.profile.domain.consent import ANY, ConsentState, Scope, Statement, verdict_of_person

MOST_SCOPES = 2_000
"""Of a person of whom there would be more to say, only the scopes that are named are said."""


class Outlook(NamedTuple):
    """The answer for a scope, since when it holds, and what it becomes as grants run out (a denial never does)."""

    state: ConsentState
    since: datetime
    until: datetime | None = None
    after: ConsentState = "unknown"
    is_named: bool = True
    """False where no statement names the scope: it is where several that are named meet."""


def outlooks(by_identifier: Mapping[int, list[Statement]], now: datetime) -> dict[Scope, Outlook]:
    """Return the answers for the scopes that are named, and for those where named ones meet.

    Among these, of all that cover a question one lies in all the others, and its answer is the question's: a
    statement covers the one exactly if it covers the other. Where none covers it, or it is unknown, nothing was said.
    """
    said = [statement for found in by_identifier.values() for statement in found]
    named = {statement.scope for statement in said}
    found: dict[Scope, Outlook] = {}
    for scope in sorted(_closed_under_meet(named)):
        outlook = _outlook(by_identifier, said, scope, now, is_named=scope in named)
        if outlook.is_named or outlook.state != "unknown":
            found[scope] = outlook
    return found


def meet(one: Scope, other: Scope) -> Scope | None:
    """Return the scope of all that lies in both; None where nothing does."""
    purpose, channel = _narrower(one.purpose, other.purpose, ANY), _narrower(one.channel, other.channel, ANY)
    topic = _narrower(one.topic, other.topic, "")
    if purpose is None or channel is None or topic is None:
        return None
    return Scope(purpose, channel, topic)


def _closed_under_meet(named: set[Scope]) -> set[Scope]:
    found, fresh = set(named), named
    while fresh:
        if len(fresh) * len(named) > MOST_SCOPES**2 or len(found) > MOST_SCOPES:
            return named
        met = {both for one in fresh for other in named if (both := meet(one, other)) is not None}
        fresh = met - found
        found |= fresh
    return found


def _narrower(one: str, other: str, everything: str) -> str | None:
    if one in (other, everything):
        return other
    return one if other == everything else None


def _outlook(
    by_identifier: Mapping[int, list[Statement]],
    said: Iterable[Statement],
    scope: Scope,
    now: datetime,
    *,
    is_named: bool,
) -> Outlook:
    covering = [statement for statement in said if statement.scope.covers(scope)]
    verdict = verdict_of_person(by_identifier, scope, now)
    since = verdict.by.event_time if verdict.by is not None else max(one.event_time for one in covering)
    if verdict.state == "granted":
        # only grants run out, so that a "yes" ends once: in a "no" it had lifted, or in silence
        ends = sorted({one.expires_at for one in covering if one.expires_at is not None and one.expires_at > now})
        for end in ends:
            later = verdict_of_person(by_identifier, scope, end)
            if later.state != "granted":
                return Outlook("granted", since, end, later.state, is_named)
    return Outlook(verdict.state, since, is_named=is_named)
