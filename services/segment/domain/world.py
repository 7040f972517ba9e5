"""What the engine holds of a workspace: its live segments, their members, everybody, and how far time is answered."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from pyroaring import BitMap, FrozenBitMap

from services.segment.domain.condition import Concerns
from services.segment.domain.definition import Definition
from services.segment.domain.edges import Edge, Passed, TimeEdge
from services.segment.domain.moment import Calendar, Moment
from services.segment.domain.silence import NOTHING_DECLARED, Silence

EVENT = "event:"
CHUNK_BITS = 12
"""A chunk is what one change writes: of 4,096 persons, half a kilobyte where every other is a member or fewer."""


@dataclass
class LiveSegment:
    """A live segment, its present members and its hand-made lists."""

    segment_id: UUID
    version: int
    definition: Definition
    members: BitMap = field(default_factory=BitMap)
    included: BitMap = field(default_factory=BitMap)
    excluded: BitMap = field(default_factory=BitMap)
    is_troubled: bool = False
    """It cannot be answered at present: its members stay as they are."""
    is_frozen: bool = False
    """A snapshot: nothing but merges, their undoing and erasures change its members."""
    taken: BitMap = field(default_factory=BitMap)
    """Of whom a snapshot was taken, or whom it had when it was paused, whoever they are now."""
    is_paused: bool = False
    """Its members stay who they were until it is resumed, and computed for everybody; nobody is told."""

    def __post_init__(self) -> None:
        self.concerns: Concerns = self.definition.concerns()
        self.edges: frozenset[TimeEdge] = self.definition.edges()
        exact = (edge for edge in self.edges if not (isinstance(edge, Edge) and edge.prefix))
        self._passings = frozenset(_passing(edge) for edge in exact)
        self._prefixed = [edge for edge in self.edges if isinstance(edge, Edge) and edge.prefix]

    @property
    def is_asked(self) -> bool:
        """Tell whether the store is asked who its members are."""
        return not (self.is_troubled or self.is_frozen or self.is_paused)

    def concerned_by(self, concern: str) -> bool:
        """Tell whether a touch for `event:<name>`, `segment:<id>`, another fact or everything ("") concerns it."""
        kind, _, name = concern.partition(":")
        if kind == "event":
            return name in self.concerns.events or any(name.startswith(p) for p in self.concerns.event_prefixes)
        if kind == "segment":
            return UUID(name) in self.concerns.segments
        if kind == "account":
            return name in self.concerns.account_traits
        return not kind or (kind == "trait" and name in self.concerns.traits) or concern in self.concerns.facts

    def touched_by(self, events: Mapping[str, BitMap]) -> Iterator[BitMap]:
        """Yield those who are to be asked about it, of whom an event of each name touched."""
        looked_at = self.concerns.events
        yield from (events[name] for name in looked_at & events.keys())
        for prefix in self.concerns.event_prefixes:
            yield from (persons for name, persons in events.items() if name.startswith(prefix))

    def moved_by(self, passed: Mapping[Passed, BitMap]) -> Iterator[BitMap]:
        """Yield those for whom the clock may have changed whether they are members, of whom it came upon by what."""
        yield from (passed[one] for one in self._passings & passed.keys())
        for edge in self._prefixed:
            yield from (persons for one, persons in passed.items() if one.is_of(edge))

    @property
    def is_kept(self) -> bool:
        """Tell whether its members are who those are now whom it had at some time."""
        return self.is_frozen or self.is_paused

    def taken_of(self, among: BitMap, ended_in: Mapping[int, BitMap]) -> BitMap:
        """Return who of `among` it is kept with: he himself, or somebody who was merged into him since."""
        heirs = (number for number, ended in ended_in.items() if not ended.isdisjoint(self.taken))
        return (self.taken & among) | (BitMap(heirs) & among)

    def with_lists(self, found: BitMap, among: BitMap) -> BitMap:
        """Return who of `among` is a member, given whom the definition found."""
        return ((found | (self.included & among)) - self.excluded) & among


@dataclass
class World:
    """One workspace in memory; PostgreSQL is the truth, and `revision` tells whether this is still true to it."""

    workspace_id: int
    revision: int
    evaluated_until: datetime
    universe: BitMap
    segments: dict[UUID, LiveSegment]
    silence: Silence = NOTHING_DECLARED
    calendar: Calendar | None = None
    """By which its members were answered; None when that was not noted yet."""
    upcoming: datetime | None = None
    upcoming_known: bool = False
    upcoming_from: Moment | None = None

    def is_answered_by(self, calendar: Calendar) -> bool:
        """Tell whether its members are what this calendar says, as far as is known."""
        return self.calendar in (None, calendar)

    @property
    def kept(self) -> list[LiveSegment]:
        """Return those that only merges, their undoing and erasures change: snapshots, and what is paused."""
        return [segment for segment in self.segments.values() if segment.is_kept]

    def is_still(self, now: Moment) -> bool:
        """Tell whether the clock alone changed no answer up to now; the calendar must be the one reckoned with."""
        reckoned = self.upcoming_from
        if not self.upcoming_known or reckoned is None or replace(reckoned, now=now.now) != now:
            return False
        return self.upcoming is None or self.upcoming > now.now

    def shifts_time(self, concerns: Iterable[str]) -> bool:
        """Tell whether facts of such concerns may bring boundaries that are not known yet."""
        told = set(concerns)
        return any(
            segment.edges and segment.concerned_by(told_one) for segment in self.segments.values() for told_one in told
        )

    def edges(self) -> frozenset[TimeEdge]:
        """Return every time edge of the live segments."""
        asked = (segment for segment in self.segments.values() if segment.is_asked)
        return frozenset(edge for segment in asked for edge in segment.edges)

    def concerned(self, concerns: Mapping[str, BitMap], *, moved: Mapping[Passed, BitMap]) -> dict[UUID, BitMap]:
        """Return the segments to ask, those they refer to first, each with the persons it is to be asked about.

        `concerns` are persons by what they were touched for, `moved` by the rows of theirs the clock came upon.
        """
        found: dict[UUID, BitMap] = {}
        ordered = in_order(self.segments)
        # of plain events, as most are, each segment knows the names it looks at
        events = {concern.removeprefix(EVENT): whom for concern, whom in concerns.items() if concern.startswith(EVENT)}
        others = {concern: whom for concern, whom in concerns.items() if not concern.startswith(EVENT)}
        for segment in ordered:
            whom = [persons for concern, persons in others.items() if segment.concerned_by(concern)]
            whom += segment.touched_by(events)
            whom += segment.moved_by(moved)
            # who changes in a segment is asked in the same round about those that refer to it
            whom += [found[other] for other in segment.concerns.segments if other in found]
            if whom:
                found[segment.segment_id] = BitMap.union(*whom)
        return {
            segment.segment_id: found[segment.segment_id]
            for segment in ordered
            if segment.is_asked and found.get(segment.segment_id)
        }

    def needed_by(self, definition: Definition) -> list[LiveSegment]:
        """Return the live segments a definition refers to, however indirectly, referred ones first."""
        needed: set[UUID] = set()
        waiting = list(definition.concerns().segments)
        while waiting:
            segment = self.segments.get(waiting.pop())
            if segment is not None and segment.segment_id not in needed:
                needed.add(segment.segment_id)
                waiting.extend(segment.concerns.segments)
        return [segment for segment in in_order(self.segments) if segment.segment_id in needed]


def _passing(edge: TimeEdge) -> Passed:
    if isinstance(edge, Edge):
        return Passed(edge.unnamed, edge.source, edge.name)
    return Passed(None, "trait", edge.name)


def in_order(segments: Mapping[UUID, LiveSegment]) -> list[LiveSegment]:
    """Return the segments so that each comes after those it refers to; a cycle cannot be published."""
    ordered: dict[UUID, LiveSegment] = {}

    def place(segment: LiveSegment, path: frozenset[UUID]) -> None:
        if segment.segment_id in ordered or segment.segment_id in path:
            return
        for referred in sorted(segment.concerns.segments):
            if referred in segments:
                place(segments[referred], path | {segment.segment_id})
        ordered[segment.segment_id] = segment

    for segment in segments.values():
        place(segment, frozenset())
    return list(ordered.values())


def chunk_of(members: BitMap, chunk: int) -> BitMap:
    """Return the members whose number lies in one chunk."""
    return members & _everybody_in(chunk)


@lru_cache(4096)
def _everybody_in(chunk: int) -> FrozenBitMap:
    return FrozenBitMap(range(chunk << CHUNK_BITS, (chunk + 1) << CHUNK_BITS))


def chunks_of(persons: BitMap) -> list[int]:
    """Return the chunks that persons lie in."""
    return sorted({person >> CHUNK_BITS for person in persons})
