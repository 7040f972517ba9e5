"""Ask everybody beside the rounds: they go on meanwhile, and whom they touched is asked once more at the end.

So an answer of seconds keeps no round waiting for it, and is as exact as if it had: of the moment at which it was
asked, with all facts that came in until it was answered.
"""

import asyncio

from pyroaring import BitMap

from libs.common.runtime import Runtime
from services.segment.domain.definition import Definition
from services.segment.domain.moved import Moved
from services.segment.domain.world import LiveSegment
from services.segment.store import owners, persons, touches
from services.segment.store.columnar import Columnar
from services.segment.store.parts import SegmentParts, Watch
from services.segment.store.scope import Scope
from services.segment.usecases.ask_membership import Asked, Study, answers_of, ground_of

MANY_QUESTIONS = 16
"""A definition of more asks over one handle at a time: the other is there for rounds."""
FEW_TOUCHED = 1_000
"""So many are asked once more while rounds wait: some tens of milliseconds, or a fraction of a second for hundreds of
conditions. More are asked beside them first, and then whom that was too early for."""
MOST_TIMES = 4
MOST_NAMED = 100_000
"""Beyond so many it costs less to ask everybody than to name them."""


async def ask_everybody(runtime: Runtime[SegmentParts], *, workspace_id: int, definition: Definition) -> Asked:
    """Return everybody who meets a definition now, and whom each of its conditions finds by itself."""
    parts = runtime.parts
    with parts.watch(workspace_id) as watch:
        async with parts.locks[workspace_id]:
            ground = await ground_of(runtime, workspace_id)
            needed = ground.world.needed_by(definition)
            watch.take()
        # hundreds of conditions take a while to spell
        study = await asyncio.to_thread(Study.of, definition, ground.moment, needed, is_counted=True)
        many = len(study.inquiry.questions) > MANY_QUESTIONS
        columnar = parts.columnar.giving_way() if many else parts.columnar
        atoms = await answers_of(columnar, study.inquiry, Scope(workspace_id, ground.merged))
        times = 0
        while True:
            times += 1
            async with parts.locks[workspace_id]:
                later = await ground_of(runtime, workspace_id)
                again = await _touched(runtime, workspace_id, watch)
                if watch.is_upset:
                    atoms = await answers_of(parts.columnar, study.inquiry, Scope(workspace_id, later.merged))
                elif len(again) <= FEW_TOUCHED or times == MOST_TIMES:
                    atoms = await _ask_again(runtime, parts.columnar, study, atoms, again, workspace_id, later.merged)
                if watch.is_upset or len(again) <= FEW_TOUCHED or times == MOST_TIMES:
                    break
            atoms = await _ask_again(runtime, columnar, study, atoms, again, workspace_id, later.merged)
    segments = later.world.segments

    def stands(segment: LiveSegment) -> BitMap:
        return segments.get(segment.segment_id, segment).members

    return study.answer(atoms, BitMap(later.world.universe), stands)


async def _touched(runtime: Runtime[SegmentParts], workspace_id: int, watch: Watch) -> BitMap:
    """Return those whom rounds asked since the last time, and who wait to be asked."""
    found = watch.take()
    async with runtime.worker_database.transaction(workspace_id) as tx:
        waiting = await touches.touched_persons(tx, workspace_id)
        found.update(waiting)
        found.update((await persons.present(tx, workspace_id, waiting)).values())
    return found


async def _ask_again(
    runtime: Runtime[SegmentParts],
    columnar: Columnar,
    study: Study,
    atoms: list[BitMap],
    again: BitMap,
    workspace_id: int,
    merged: Moved | None,
) -> list[BitMap]:
    """Return the answers with those about some persons as they are now."""
    if not again:
        return atoms
    if len(again) > MOST_NAMED:
        return await answers_of(columnar, study.inquiry, Scope(workspace_id, merged))
    async with runtime.worker_database.transaction(workspace_id) as tx:
        under = await owners.stored_under(tx, workspace_id, list(again))
    scope = Scope(workspace_id, merged, list(again), sorted({*again, *under}))
    fresh = await answers_of(columnar, study.inquiry, scope)
    return [(old - again) | (new & again) for old, new in zip(atoms, fresh, strict=True)]
