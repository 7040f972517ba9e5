"""Ask the columnar store about touched persons and compare with what they were members of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from uuid import UUID

from pyroaring import BitMap

from services.segment.domain.answer import Change, Reason
from services.segment.domain.edges import Passed
from services.segment.domain.moment import Moment
from services.segment.domain.moved import Moved
from services.segment.domain.world import World
from services.segment.store.columnar import Columnar
from services.segment.store.persons import ALIVE, ERASED
from services.segment.store.scope import Scope
from services.segment.usecases.answer_apart import answer_apart

MOST_NAMED = 100_000
"""So many persons are asked about by their numbers; beyond that everybody is, which costs less than so long a list."""


@dataclass
class Touched:
    """Who is asked again: the reasons by person, whom time moved by what of theirs, who they are, where events lie."""

    reasons: dict[int, list[Reason]] = field(default_factory=dict)
    moved: Mapping[Passed, BitMap] = field(default_factory=dict)
    newcomers: BitMap = field(default_factory=BitMap)
    """Those nobody was asked about yet: they may be members of whatever does not look at what they were touched for."""
    people: Mapping[int, tuple[int, UUID | None]] = field(default_factory=dict)
    stored_under: Sequence[int] = ()
    merged: Moved | None = None
    regrouped: BitMap = field(default_factory=BitMap)
    """Those whom a merge, its undoing or an erasure may have put into a snapshot or a paused segment, or out of one."""
    ended_in: Mapping[int, BitMap] = field(default_factory=dict)
    """Who was merged into whom of those, however indirectly."""

    @property
    def concerns(self) -> dict[str, BitMap]:
        """Return whom each concern is of."""
        persons: dict[str, list[int]] = {}
        for person_no, reasons in self.reasons.items():
            for reason in reasons:
                persons.setdefault(reason.concern, []).append(person_no)
        return {concern: BitMap(found) for concern, found in persons.items()} | {
            "": BitMap(persons.get("", ())) | self.newcomers
        }

    @cached_property
    def alive(self) -> BitMap:
        """Return those in the universe."""
        return BitMap(person_no for person_no, (state, _) in self.people.items() if state == ALIVE)

    @cached_property
    def gone(self) -> BitMap:
        """Return those merged or erased."""
        return BitMap(person_no for person_no, (state, _) in self.people.items() if state != ALIVE)

    @cached_property
    def erased(self) -> BitMap:
        """Return those erased, and who had ended in them."""
        erased = [person_no for person_no, (state, _) in self.people.items() if state == ERASED]
        return BitMap.union(BitMap(erased), *(self.ended_in[one] for one in erased if one in self.ended_in))


@dataclass(frozen=True)
class Answered:
    """The changes of a round, persons who leave every segment without a word, and what could not be answered."""

    changes: tuple[Change, ...]
    vanished: BitMap
    failed: Mapping[UUID, str] = field(default_factory=dict)


async def answer_touches(columnar: Columnar, world: World, touched: Touched, moment: Moment) -> Answered:
    """Return what changes; the world itself is left as it is until that is settled."""
    alive, gone = touched.alive, touched.gone
    concerned = {
        segment_id: persons
        for segment_id, found in world.concerned(touched.concerns, moved=touched.moved).items()
        if (persons := found & alive)
    }
    regrouped = _regrouped(world, touched)
    changes, failed = await _ask(columnar, world, concerned, touched, regrouped, moment)
    return Answered((*changes, *regrouped.values()), gone, failed)


async def _ask(
    columnar: Columnar,
    world: World,
    concerned: Mapping[UUID, BitMap],
    touched: Touched,
    regrouped: Mapping[UUID, Change],
    moment: Moment,
) -> tuple[list[Change], dict[UUID, str]]:
    segments = [world.segments[segment_id] for segment_id in concerned]
    if not segments:
        return [], {}
    persons = BitMap.union(*concerned.values())
    scope = Scope(world.workspace_id, touched.merged)

    def stands(segment_id: UUID) -> BitMap:
        known, change = members_of(world, segment_id), regrouped.get(segment_id)
        return (known | change.entered) - change.exited if change else known

    if len(persons) <= MOST_NAMED:
        scope = replace(scope, persons=list(persons), stored_under=sorted({*persons, *touched.stored_under}))
    answers = await answer_apart(
        columnar,
        segments,
        moment=moment,
        scope=scope,
        among=lambda segment_id: concerned[segment_id],
        otherwise=stands,
    )
    changes = []
    for segment in segments:
        asked = concerned[segment.segment_id]
        before, after = segment.members & asked, answers.members.get(segment.segment_id)
        if after is not None and before != after:
            changes.append(Change(segment, after - before, before - after))
    return changes, answers.failed


def _regrouped(world: World, touched: Touched) -> dict[UUID, Change]:
    """Return what changes in what is kept: its members are who those it is kept with are now."""
    whom = touched.regrouped & touched.alive
    changes = {}
    for segment in world.kept:
        before, after = segment.members & whom, segment.taken_of(whom, touched.ended_in)
        if before != after:
            changes[segment.segment_id] = Change(segment, after - before, before - after)
    return changes


def members_of(world: World, segment_id: UUID) -> BitMap:
    """Return a segment's members; a segment that is not live has none."""
    segment = world.segments.get(segment_id)
    return segment.members if segment else BitMap()
