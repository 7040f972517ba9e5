"""Answer at once, including everything committed: for journeys' splits, previews and explanations."""

from collections.abc import Callable, Sequence
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
from services.segment.store.columnar import Refusal
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
class _Ground:
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
        ground = await _ground(runtime, workspace_id)
        async with runtime.worker_database.transaction(workspace_id) as tx:
            known = await persons.snapshot(tx, workspace_id, person_nos)
            stored_under = await owners.stored_under(tx, workspace_id, person_nos)
            ended_in = await persons.ended_in(tx, workspace_id, person_nos) if ground.world.snapshots else {}
        # somebody not heard of yet has done nothing, which is an answer too
        among = BitMap(number for number in person_nos if known.get(number, (ALIVE, None))[0] == ALIVE)
        scope = Scope(workspace_id, ground.merged, list(among), sorted({*among, *stored_under}))

        def stands(segment: LiveSegment) -> BitMap:
            return segment.taken_of(among, ended_in) if segment.is_frozen else segment.members & among

        return await _ask(runtime, ground, subject, scope, among, stands)


async def ask_everybody(runtime: Runtime[SegmentParts], *, workspace_id: int, definition: Definition) -> Asked:
    """Return everybody who meets a definition now, and whom each of its conditions finds by itself."""
    async with runtime.parts.locks[workspace_id]:
        ground = await _ground(runtime, workspace_id)
        scope, universe = Scope(workspace_id, ground.merged), ground.world.universe
        return await _ask(runtime, ground, definition, scope, universe, lambda segment: segment.members)


async def _ground(runtime: Runtime[SegmentParts], workspace_id: int) -> _Ground:
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
    return _Ground(world, merged, moment_of(runtime, workspace_id, now))


def _rebuilt() -> Unavailable:
    return Unavailable("the columnar store is being rebuilt; ask again later", retry_after_seconds=5)


async def _ask(
    runtime: Runtime[SegmentParts],
    ground: _Ground,
    subject: Definition | UUID,
    scope: Scope,
    among: BitMap,
    stands: Stands,
) -> Asked:
    world, inquiry = ground.world, Inquiry(ground.moment)
    if isinstance(subject, UUID):
        chosen = world.segments.get(subject)
        if chosen is None:
            return Asked(BitMap(), among)
        needed = [*world.needed_by(chosen.definition), chosen] if chosen.is_asked else [chosen]
        members, _ = await _answer(runtime, needed, inquiry, scope, among, stands)
        return Asked(members[subject], among)
    wanted = subject.formula(inquiry)
    leaves = {leaf.pointer: leaf.condition.formula(inquiry) for leaf in subject.leaves()}
    # of few persons nobody wants to know what each condition keeps out
    counted = leaves if scope.persons is None else ()
    without = {pointer: formula_without(subject.root, pointer, leaves) or EVERYBODY for pointer in counted}
    members, atoms = await _answer(runtime, world.needed_by(subject), inquiry, scope, among, stands)

    def answer(formula: Formula) -> BitMap:
        return answer_one(formula, atoms=atoms, among=among, members=members)

    found = answer(wanted)
    return Asked(
        found,
        among,
        {pointer: answer(formula) for pointer, formula in leaves.items()},
        {pointer: max(0, len(answer(formula)) - len(found)) for pointer, formula in without.items()},
    )


async def _answer(
    runtime: Runtime[SegmentParts],
    needed: Sequence[LiveSegment],
    inquiry: Inquiry,
    scope: Scope,
    among: BitMap,
    stands: Stands,
) -> tuple[dict[UUID, BitMap], list[BitMap]]:
    """Ask everything at once; return the members of the segments needed, and the answers to all questions.

    A segment that is not asked has the members that it `stands` with.
    """
    asked = [segment for segment in needed if segment.is_asked]
    formulas = ask_all(asked, inquiry)
    try:
        atoms = await ask(runtime.parts.columnar, inquiry, scope)
    except Refusal as refusal:
        raise Unavailable(NOT_TAKEN) from refusal
    kept = {segment.segment_id: stands(segment) & among for segment in needed if not segment.is_asked}
    members = answer_all(
        asked, formulas, atoms=atoms, among=lambda _: among, otherwise=lambda other: kept.get(other, BitMap())
    )
    return kept | members, atoms
