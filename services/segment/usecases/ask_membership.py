"""Answer at once, including everything committed: for journeys' splits and explanations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pyroaring import BitMap

from libs.common.errors import Unavailable
from libs.common.runtime import Runtime
from services.segment.domain.answer import answer_all, answer_one, ask_all
from services.segment.domain.condition import Inquiry
from services.segment.domain.definition import Definition, formula_without
from services.segment.domain.formula import EVERYBODY, Formula
from services.segment.domain.moment import Moment
from services.segment.domain.moved import Moved
from services.segment.domain.world import LiveSegment, World
from services.segment.store import owners, persons, squashes
from services.segment.store.asking import ask
from services.segment.store.columnar import Columnar, Refusal
from services.segment.store.parts import SegmentParts
from services.segment.store.persons import ALIVE
from services.segment.store.rebuilds import is_open
from services.segment.store.scope import Scope
from services.segment.store.workspaces import moment_of
from services.segment.usecases.insert_blocks import insert_blocks

NOT_TAKEN = "the columnar store does not take the question: use fewer conditions, or simpler ones"
Stands = Callable[[LiveSegment], BitMap]
"""The members of a segment that the store is not asked about."""


@dataclass(frozen=True)
class Asked:
    """Who was found and asked about; per condition (by pointer) whom it finds by itself, how many it keeps out."""

    found: BitMap
    among: BitMap
    by_condition: dict[str, BitMap] = field(default_factory=dict)
    removes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Ground:
    """The present picture of a workspace, with everything committed in the store, and how its events are read."""

    world: World
    merged: Moved | None
    moment: Moment


async def ask_membership(
    runtime: Runtime[SegmentParts], *, workspace_id: int, subject: Definition | UUID, person_nos: Sequence[int]
) -> list[int]:
    """Return which of these persons are in a segment, or meet a definition, now. Merged ones answer as the survivor."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        now = await persons.present(tx, workspace_id, person_nos)
    present = {person_no: now.get(person_no, person_no) for person_no in person_nos}
    asked = await ask_persons(
        runtime, workspace_id=workspace_id, subject=subject, person_nos=sorted(set(present.values()))
    )
    return [person_no for person_no, number in present.items() if number in asked.found]


async def ask_persons(
    runtime: Runtime[SegmentParts], *, workspace_id: int, subject: Definition | UUID, person_nos: Sequence[int]
) -> Asked:
    """Return which of these persons (none of them merged) are in a segment, or meet a definition, now."""
    async with runtime.parts.locks[workspace_id]:
        ground = await ground_of(runtime, workspace_id)
        async with runtime.worker_database.transaction(workspace_id) as tx:
            known = await persons.snapshot(tx, workspace_id, person_nos)
            stored_under = await owners.stored_under(tx, workspace_id, person_nos)
            ended_in = await persons.ended_in(tx, workspace_id, person_nos) if ground.world.kept else {}
        # somebody not heard of yet has done nothing, which is an answer too
        among = BitMap(number for number in person_nos if known.get(number, (ALIVE, None))[0] == ALIVE)
        scope = Scope(workspace_id, ground.merged, list(among), sorted({*among, *stored_under}))

        def stands(segment: LiveSegment) -> BitMap:
            return segment.taken_of(among, ended_in) if segment.is_kept else segment.members & among

        return await _ask(runtime, ground, subject, scope, among, stands)


async def ground_of(runtime: Runtime[SegmentParts], workspace_id: int) -> Ground:
    """Bring the store up to all that is committed; to be called, and asked on, with the workspace's lock held.

    Raises Unavailable while the store is being rebuilt.
    """
    now = runtime.now(workspace_id)
    async with runtime.worker_database.transaction(workspace_id) as tx:
        if await is_open(tx, workspace_id):
            raise _rebuilt()
        world = await runtime.parts.world(tx, workspace_id, now=now)
        merged = await squashes.moved(tx, workspace_id)
    inserted = await insert_blocks(
        runtime.worker_database, runtime.parts.columnar, workspace_id=workspace_id, sealer=runtime.sealer(workspace_id)
    )
    if inserted is None:
        raise _rebuilt()
    return Ground(world, merged, moment_of(runtime, workspace_id, now))


def _rebuilt() -> Unavailable:
    return Unavailable("the columnar store is being rebuilt; ask again later", retry_after_seconds=5)


async def _ask(
    runtime: Runtime[SegmentParts],
    ground: Ground,
    subject: Definition | UUID,
    scope: Scope,
    among: BitMap,
    stands: Stands,
) -> Asked:
    world, columnar = ground.world, runtime.parts.columnar
    if isinstance(subject, UUID):
        chosen = world.segments.get(subject)
        if chosen is None:
            return Asked(BitMap(), among)
        needed = [*world.needed_by(chosen.definition), chosen] if chosen.is_asked else [chosen]
        inquiry = Inquiry(ground.moment)
        formulas = ask_all([segment for segment in needed if segment.is_asked], inquiry)
        atoms = await answers_of(columnar, inquiry, scope)
        return Asked(_members(needed, formulas, atoms, among, stands)[subject], among)
    study = Study.of(subject, ground.moment, world.needed_by(subject), is_counted=False)
    return study.answer(await answers_of(columnar, study.inquiry, scope), among, stands)


@dataclass(frozen=True)
class Study:
    """A definition spelled out: what is asked of the store, and what the answers mean.

    By pointer, each condition by itself, and where they are counted the whole without it.
    """

    inquiry: Inquiry
    wanted: Formula
    leaves: dict[str, Formula]
    without: dict[str, Formula]
    needed: Sequence[LiveSegment]
    formulas: dict[UUID, Formula]

    @classmethod
    def of(cls, definition: Definition, moment: Moment, needed: Sequence[LiveSegment], *, is_counted: bool) -> "Study":
        """Spell a definition out, with the segments it refers to."""
        inquiry = Inquiry(moment)
        wanted = definition.formula(inquiry)
        leaves = {leaf.pointer: leaf.condition.formula(inquiry) for leaf in definition.leaves()}
        counted = leaves if is_counted else ()
        without = {pointer: formula_without(definition.root, pointer, leaves) or EVERYBODY for pointer in counted}
        formulas = ask_all([segment for segment in needed if segment.is_asked], inquiry)
        return cls(inquiry, wanted, leaves, without, needed, formulas)

    def answer(self, atoms: Sequence[BitMap], among: BitMap, stands: Stands) -> Asked:
        """Return what the store's answers mean for those asked about."""
        members = _members(self.needed, self.formulas, atoms, among, stands)

        def answer(formula: Formula) -> BitMap:
            return answer_one(formula, atoms=atoms, among=among, members=members)

        found = answer(self.wanted)
        return Asked(
            found,
            among,
            {pointer: answer(formula) for pointer, formula in self.leaves.items()},
            {pointer: max(0, len(answer(formula)) - len(found)) for pointer, formula in self.without.items()},
        )


async def answers_of(columnar: Columnar, inquiry: Inquiry, scope: Scope) -> list[BitMap]:
    """Return whom each question holds for; raises Unavailable where the store does not take them."""
    try:
        return await ask(columnar, inquiry, scope)
    except Refusal as refusal:
        raise Unavailable(NOT_TAKEN) from refusal


def _members(
    needed: Sequence[LiveSegment],
    formulas: Mapping[UUID, Formula],
    atoms: Sequence[BitMap],
    among: BitMap,
    stands: Stands,
) -> dict[UUID, BitMap]:
    """Return the members of the segments needed; one that is not asked has the members that it `stands` with."""
    asked = [segment for segment in needed if segment.is_asked]
    kept = {segment.segment_id: stands(segment) & among for segment in needed if not segment.is_asked}
    return kept | answer_all(
        asked, formulas, atoms=atoms, among=lambda _: among, otherwise=lambda other: kept.get(other, BitMap())
    )
