"""Ask the columnar store about touched persons and compare with what they were members of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pyroaring import BitMap

from services.segment.domain.answer import Change, Reason
from services.segment.domain.moment import Moment
from services.segment.domain.world import LiveSegment, World
from services.segment.store.asking import Scope
from services.segment.store.columnar import Columnar
from services.segment.store.persons import ALIVE
from services.segment.usecases.answer_apart import answer_apart


@dataclass
class Touched:
    """Who is asked again: the reasons by person, those time moved, who they are, and where their events lie."""

    reasons: dict[int, list[Reason]] = field(default_factory=dict)
    by_time: frozenset[int] = frozenset()
    people: Mapping[int, tuple[int, UUID | None]] = field(default_factory=dict)
    stored_under: Sequence[int] = ()
    merged: bool = False
    present: Mapping[int, int] = field(default_factory=dict)
    """Who they are now, where that is somebody else."""

    @property
    def alive(self) -> BitMap:
        """Return those in the universe."""
        return BitMap(person_no for person_no, (state, _) in self.people.items() if state == ALIVE)

    @property
    def gone(self) -> BitMap:
        """Return those merged or erased."""
        return BitMap(person_no for person_no, (state, _) in self.people.items() if state != ALIVE)


@dataclass(frozen=True)
class Answered:
    """The changes of a round, persons who leave every segment without a word, and what could not be answered."""

    changes: tuple[Change, ...]
    vanished: BitMap
    failed: Mapping[UUID, str] = field(default_factory=dict)


async def answer_touches(columnar: Columnar, world: World, touched: Touched, moment: Moment) -> Answered:
    """Return what changes; the world itself is left as it is until that is settled."""
    alive, gone = touched.alive, touched.gone
    concerns = {reason.concern for reasons in touched.reasons.values() for reason in reasons}
    concerned = world.concerned(concerns, time=bool(touched.by_time))
    changes, failed = await _ask(columnar, world, concerned, alive, touched, moment)
    changes += _heirs(world, touched)
    return Answered(tuple(changes), gone, failed)


async def _ask(
    columnar: Columnar,
    world: World,
    concerned: Sequence[LiveSegment],
    alive: BitMap,
    touched: Touched,
    moment: Moment,
) -> tuple[list[Change], dict[UUID, str]]:
    if not concerned or not alive:
        return [], {}
    persons = list(alive)
    scope = Scope(world.workspace_id, touched.merged, persons, sorted({*persons, *touched.stored_under}))
    answers = await answer_apart(
        columnar,
        concerned,
        moment=moment,
        scope=scope,
        among=alive,
        otherwise=lambda segment_id: members_of(world, segment_id),
    )
    changes = []
    for segment in concerned:
        before, after = segment.members & alive, answers.members.get(segment.segment_id)
        if after is not None and before != after:
            changes.append(Change(segment, after - before, before - after))
    return changes, answers.failed


def _heirs(world: World, touched: Touched) -> list[Change]:
    """In a snapshot the survivor takes the place of who was merged into him."""
    changes = []
    for segment in world.segments.values():
        lost = segment.members & touched.gone if segment.is_frozen else BitMap()
        heirs = BitMap(touched.present[number] for number in lost if number in touched.present)
        if entered := (heirs & touched.alive) - segment.members:
            changes.append(Change(segment, entered, BitMap()))
    return changes


def members_of(world: World, segment_id: UUID) -> BitMap:
    """Return a segment's members; a segment that is not live has none."""
    segment = world.segments.get(segment_id)
    return segment.members if segment else BitMap()
