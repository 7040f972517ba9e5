"""Links: what all evidence about a pair of identifiers adds up to.

Every fact is a minimum, a maximum or a set, so evidence commutes, associates and, once per event id, repeats.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from services.identity.domain.evidence import DECIDED, INFERRED, Evidence, Identifier
from services.identity.domain.policy import PolicySet
from services.identity.domain.respelling import is_void
from services.identity.domain.twins import TWIN_SOURCE

TIERS = 5
POSITIVE = frozenset({"login", "bind", "import", "observe", "infer", "logout", "must_link", "supersede"})
REPEATING = frozenset({"login", "bind", "import", "observe", "logout"})
"""Kinds that repeat what is active without changing anything."""
TAKING_BACK = frozenset({"unbind", "retract"})
DECIDING = frozenset({"must_link", "supersede"})
DECISIONS = frozenset({"must_link", "cannot_link", "supersede", "unbind", "retract"})
"""Kinds that name their identifiers on purpose: two of a singleton namespace in one of them are no contradiction."""

Times = list[datetime | None]


def latest(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the later of two instants, either of which may be absent."""
    if one is None or other is None:
        return one or other
    return max(one, other)


def earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the earlier of two instants, either of which may be absent."""
    if one is None or other is None:
        return one or other
    return min(one, other)


class LinkFacts(msgspec.Struct, gc=False):
    """The aggregate of the evidence for one pair under one consent basis; `low` sorts before `high`.

    `seen` and `void` hold the newest time per tier of evidence for and against the link, `replaced_low` the newest
    supersede that retires the low end. `first_at` is the oldest event time, `arrived_at` the first arrival.
    """

    seen: Times = msgspec.field(default_factory=lambda: [None] * TIERS)
    void: Times = msgspec.field(default_factory=lambda: [None] * TIERS)
    retracted_at: datetime | None = None
    must_at: datetime | None = None
    cannot_at: datetime | None = None
    replaced_low_at: datetime | None = None
    replaced_high_at: datetime | None = None
    logout_at: datetime | None = None
    first_at: datetime | None = None
    arrived_at: datetime | None = None
    evidence_count: int = 0
    sources: frozenset[int] = frozenset()

    def merge(self, other: "LinkFacts") -> None:
        """Take in the facts of other evidence about the same pair."""
        self.seen = [latest(mine, theirs) for mine, theirs in zip(self.seen, other.seen, strict=True)]
        self.void = [latest(mine, theirs) for mine, theirs in zip(self.void, other.void, strict=True)]
        self.retracted_at = latest(self.retracted_at, other.retracted_at)
        self.must_at = latest(self.must_at, other.must_at)
        self.cannot_at = latest(self.cannot_at, other.cannot_at)
        self.replaced_low_at = latest(self.replaced_low_at, other.replaced_low_at)
        self.replaced_high_at = latest(self.replaced_high_at, other.replaced_high_at)
        self.logout_at = latest(self.logout_at, other.logout_at)
        self.first_at = earliest(self.first_at, other.first_at)
        self.arrived_at = earliest(self.arrived_at, other.arrived_at)
        self.evidence_count += other.evidence_count
        self.sources |= other.sources

    @staticmethod
    def together(by_basis: Mapping[str, "LinkFacts"]) -> "LinkFacts":
        """Return the facts of a pair, whatever basis they have."""
        if len(by_basis) == 1:
            return next(iter(by_basis.values()))
        merged = LinkFacts()
        for facts in by_basis.values():
            merged.merge(facts)
        return merged

    def holds(self) -> tuple[int, datetime] | None:
        """Return the best tier that was not taken back since, with its newest time; inferred links never hold."""
        against: datetime | None = None
        for tier in range(INFERRED):
            against = latest(against, self.void[tier])
            time = self.seen[tier]
            if time is not None and (against is None or time > against):
                return tier, time
        return None

    def seen_at(self, up_to_tier: int = INFERRED - 1) -> datetime | None:
        """Return the newest time of evidence of a tier up to the one given that was not taken back."""
        against: datetime | None = None
        found: datetime | None = None
        for tier in range(up_to_tier + 1):
            against = latest(against, self.void[tier])
            time = self.seen[tier]
            if time is not None and (against is None or time > against):
                found = latest(found, time)
        return found

    def unbound(self) -> Times | None:
        """Return the newest time of an unbind per tier, None when there is none or it was a retraction."""
        if not any(self.void):
            return None
        newest: datetime | None = None
        for time in self.void:
            newest = latest(newest, time)
        return None if newest is None or newest == self.retracted_at else self.void

    def against(self, times: Times) -> "LinkFacts":
        """Return these facts with more that speaks against the link, per tier."""
        more = LinkFacts(evidence_count=0, void=list(times))
        more.merge(self)
        return more

    def objections(self) -> "LinkFacts":
        """Return what speaks against the link, alone: it counts though nobody consents to the rest any more."""
        return LinkFacts(
            void=list(self.void), retracted_at=self.retracted_at, cannot_at=self.cannot_at, logout_at=self.logout_at
        )

    @property
    def forbids(self) -> bool:
        """Whether the newest decision about the pair is that they are two people; a tie forbids."""
        at = self.cannot_at
        if at is None or (self.retracted_at is not None and self.retracted_at >= at):
            return False
        return self.must_at is None or self.must_at <= at

    @property
    def replaces(self) -> bool:
        """Whether it was ever said that one end supersedes the other."""
        return self.replaced_low_at is not None or self.replaced_high_at is not None

    @property
    def is_twin(self) -> bool:
        """Whether one end is the hash of the other."""
        return TWIN_SOURCE in self.sources

    @property
    def is_claimed(self) -> bool:
        """Whether any evidence ever spoke for the link."""
        return any(self.seen)

    @property
    def activity(self) -> datetime | None:
        """The newest time of any evidence that touches the pair."""
        newest = latest(self.cannot_at, self.logout_at)
        for time in (*self.seen, *self.void):
            newest = latest(newest, time)
        return newest


def is_repeatable(evidence: Evidence) -> bool:
    """Return whether evidence only says once more that its identifiers belong together, where that is known."""
    return evidence.kind in REPEATING and evidence.tier < INFERRED


def rank(identifier: Identifier, policies: PolicySet) -> tuple[int, Identifier]:
    """Return the sort key of strength: priority, then canonical bytes; the least is the strongest."""
    return policies.of(identifier.namespace).priority, identifier


def bucket(identifier: Identifier, policies: PolicySet) -> tuple[str, str]:
    """Return what a cap counts this identifier under: its namespace, or namespace and scope."""
    per_scope = policies.of(identifier.namespace).cap_per == "scope"
    return identifier.namespace, identifier.scope if per_scope else ""


def contradictory(evidence: Evidence, policies: PolicySet) -> frozenset[Identifier]:
    """Return the identifiers of one event that contradict each other: two of one singleton namespace."""
    if evidence.kind in DECISIONS or len({one.namespace for one in evidence.identifiers}) == len(evidence.identifiers):
        return frozenset()
    singles: dict[tuple[str, str], set[Identifier]] = {}
    for identifier in evidence.identifiers:
        if policies.of(identifier.namespace).is_singleton:
            singles.setdefault(bucket(identifier, policies), set()).add(identifier)
    return frozenset(one for group in singles.values() if len(group) > 1 for one in group)


def strongest(identifiers: Iterable[Identifier], policies: PolicySet) -> Identifier | None:
    """Return the identifier of the least rank, None of none."""
    found: Identifier | None = None
    least = 0
    for one in identifiers:
        priority = policies.of(one.namespace).priority
        if found is None or priority < least or (priority == least and one < found):
            found, least = one, priority
    return found


def subject(evidence: Evidence, policies: PolicySet) -> Identifier | None:
    """Return the identifier the event is filed under: the strongest one that nothing in the event contradicts."""
    refused = contradictory(evidence, policies)
    candidates = [one for one in evidence.identifiers if one not in refused] if refused else ()
    return strongest(candidates or evidence.identifiers, policies)


def pairs(evidence: Evidence, policies: PolicySet) -> Iterator[tuple[Identifier, Identifier]]:
    """Yield the pairs the evidence is about: a star from the strongest identifier, never a clique.

    A `cannot_link` keeps each apart from each; a `supersede` leads from each old identifier to the last one. That two
    spellings denote one counts while the policies say so.
    """
    if len(evidence.identifiers) < 2 or is_void(evidence, policies):
        return
    refused = contradictory(evidence, policies)
    members = list(dict.fromkeys(evidence.identifiers))
    if refused:
        members = [one for one in members if one not in refused]
    if len(members) < 2:
        return
    if evidence.kind == "cannot_link":
        yield from ((a, b) for i, a in enumerate(members) for b in members[i + 1 :])
        return
    centre = members[-1] if evidence.kind == "supersede" else strongest(members, policies)
    if centre is not None:
        yield from [(one, centre) for one in members if one != centre]


def facts_of(evidence: Evidence, *, old_is_low: bool) -> LinkFacts:
    """Return what one piece of evidence says about one of its pairs; `old_is_low` matters to a supersede only."""
    at, kind = evidence.effective_time, evidence.kind
    tier = INFERRED if kind == "infer" else max(DECIDED, min(evidence.tier, INFERRED))
    sources = frozenset((evidence.source_id,))
    facts = LinkFacts(first_at=at, arrived_at=evidence.first_received_at, evidence_count=1, sources=sources)
    if kind in POSITIVE:
        facts.seen[tier] = at
    if kind in TAKING_BACK:
        facts.void[tier] = at
    if kind in DECIDING:
        facts.must_at = at
    if kind == "supersede":
        facts.replaced_low_at, facts.replaced_high_at = (at, None) if old_is_low else (None, at)
    elif kind == "retract":
        facts.retracted_at = at
    elif kind == "cannot_link":
        facts.cannot_at = at
    elif kind == "logout":
        facts.logout_at = at
    return facts


Pair = tuple[Identifier, Identifier]


def link_pairs(evidence: Evidence, policies: PolicySet) -> Iterator[tuple[Pair, LinkFacts]]:
    """Yield each pair, low end first, with what the evidence says about it."""
    for one, other in pairs(evidence, policies):
        low = one < other
        yield ((one, other) if low else (other, one)), facts_of(evidence, old_is_low=low)


def once_each(evidence: Iterable[Evidence]) -> list[Evidence]:
    """Return every piece of evidence once; of several arrivals of one event the earliest counts."""
    unique: dict[tuple[UUID, int], Evidence] = {}
    for one in evidence:
        known = unique.get((one.event_id, one.part))
        if known is None or _arrival(one) < _arrival(known):
            unique[one.event_id, one.part] = one
    return list(unique.values())


def _arrival(evidence: Evidence) -> tuple[datetime, datetime, str, int, tuple[Identifier, ...]]:
    return evidence.first_received_at, evidence.event_time, evidence.kind, evidence.tier, evidence.identifiers
