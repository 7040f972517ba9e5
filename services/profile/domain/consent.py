"""Consent: an append-only ledger of statements per identifier, and the answer it gives for a person."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

ConsentWord = Literal["granted", "denied", "withdrawn"]
ConsentState = Literal["granted", "denied", "withdrawn", "unknown"]
ANY = "*"
"""Stands for every purpose or every channel; the empty topic stands for every topic."""


class Scope(NamedTuple):
    """What a statement or a question is about: workspace (`*`, `*`) > purpose > channel > topic."""

    purpose: str
    channel: str
    topic: str = ""

    def covers(self, other: "Scope") -> bool:
        """Return whether everything in `other` lies in this scope."""
        return (
            self.purpose in (ANY, other.purpose)
            and self.channel in (ANY, other.channel)
            and self.topic in ("", other.topic)
        )


class Statement(msgspec.Struct, frozen=True):
    """One line of the ledger as far as it decides: what was said about a scope, and when."""

    statement_id: UUID
    scope: Scope
    state: ConsentWord
    event_time: datetime
    expires_at: datetime | None = None
    source: str = ""


class Verdict(NamedTuple):
    """The state of a question and the statement that decided it (None when nothing was said)."""

    state: ConsentState
    by: Statement | None = None


UNKNOWN = Verdict("unknown")


def verdict_of_identifier(statements: Iterable[Statement], question: Scope, now: datetime) -> Verdict:
    """Return what one identifier's statements answer.

    A denial stands until a *later* grant of the same or a narrower scope lifts it: a narrow "yes" reopens what a broad
    "no" closed, a broad "yes" does not undo a narrow "no". An expired grant counts as never given.
    """
    said = [s for s in statements if s.scope.covers(question) and not _expired(s, now)]
    grants = [s for s in said if s.state == "granted"]
    denials = [s for s in said if s.state != "granted"]
    standing = [d for d in denials if not any(g.event_time > d.event_time and d.scope.covers(g.scope) for g in grants)]
    if standing:
        last = max(standing, key=_recency)
        return Verdict(last.state, last)
    if grants:
        return Verdict("granted", max(grants, key=_recency))
    return UNKNOWN


def verdict_of_person(by_identifier: Mapping[int, list[Statement]], question: Scope, now: datetime) -> Verdict:
    """Return the most restrictive answer over a person's identifiers; those without a word about it say nothing."""
    verdicts = [verdict_of_identifier(statements, question, now) for statements in by_identifier.values()]
    denied = [v.by for v in verdicts if v.by is not None and v.state in ("denied", "withdrawn")]
    granted = [v.by for v in verdicts if v.by is not None and v.state == "granted"]
    deciding = max(denied or granted, key=_recency, default=None)
    return Verdict(deciding.state, deciding) if deciding is not None else UNKNOWN


def is_allowed(state: ConsentState, *, opt_out: bool) -> bool:
    """Return whether contact is allowed: opt-in needs a grant, a declared opt-out only the absence of a denial."""
    return state == "granted" or (opt_out and state == "unknown")


def is_opt_out(question: Scope, declared: Mapping[tuple[str, str], bool]) -> bool:
    """Return whether the workspace declared the question's purpose (and channel) opt-out; the exact word prevails."""
    for key in ((question.purpose, question.channel), (question.purpose, ANY)):
        if key in declared:
            return declared[key]
    return False


def _expired(statement: Statement, now: datetime) -> bool:
    return statement.state == "granted" and statement.expires_at is not None and statement.expires_at <= now


def _recency(statement: Statement) -> tuple[datetime, str, bytes]:
    return statement.event_time, statement.state, statement.statement_id.bytes
