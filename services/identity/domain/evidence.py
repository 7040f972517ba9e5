"""Evidence: the immutable facts from which the partition into persons is computed."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

EvidenceKind = Literal[
    "login",
    "bind",
    "unbind",
    "import",
    "observe",
    "infer",
    "logout",
    "must_link",
    "cannot_link",
    "supersede",
    "retract",
]

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far an event time may lie ahead of its arrival before it is clamped."""

DECIDED, AUTHENTICATED, DECLARED, OBSERVED, INFERRED = range(5)
"""Tiers: a human's or issuer's decision, authenticated together, declared, observed, inferred."""


class Identifier(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """A node of the graph: a canonical value in a namespace, within a scope (app id, issuer, corp id or empty)."""

    namespace: str
    scope: str
    value: str

    def __str__(self) -> str:
        scope = f"@{self.scope}" if self.scope else ""
        return f"{self.namespace}{scope}:{self.value}"


class Evidence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One fact about identifiers that were seen together (or must, or must not, be).

    `identifiers` are valid and canonical, in the order of the source: the last one of a `supersede` replaces the
    others. `consent_basis` is the purpose under which the link was made, None where none is needed. An event that says
    several things says them in parts, numbered from 0.
    """

    event_id: UUID
    source_id: int
    kind: EvidenceKind
    tier: int
    event_time: datetime
    first_received_at: datetime
    identifiers: tuple[Identifier, ...]
    rule_version: int = 1
    consent_basis: str | None = None
    part: int = 0

    @property
    def effective_time(self) -> datetime:
        """The event time, clamped so that a clock ahead of ours cannot own identifiers for ever."""
        return min(self.event_time, self.first_received_at + CLOCK_TOLERANCE)
