"""Ask everybody beside the rounds: they go on meanwhile, and whom they touched is asked once more, beside them too.

So no round waits for an answer of seconds, and each person is answered as he stood at one instant between the question
and the answer: of the moment at which it was asked, with all that had come in of him until then at least.
"""

import asyncio
from collections.abc import Sequence

from pyroaring import BitMap

from libs.common.errors import Unavailable
from libs.common.runtime import Runtime
from services.segment.domain.condition import Inquiry
from services.segment.domain.definition import Definition
from services.segment.domain.moved import Moved
from services.segment.domain.world import LiveSegment, World
from services.segment.store import owners, persons, touches
from services.segment.store.asking_few import ask_few
from services.segment.store.columnar import Columnar, Refusal
from services.segment.store.parts import SegmentParts, Watch
from services.segment.store.scope import Scope
from services.segment.usecases.ask_membership import NOT_TAKEN, Asked, Study, answers_of, ground_of

MANY_QUESTIONS = 16
"""A definition of more asks over one handle at a time: the other is there for rounds."""
MOST_TIMES = 4
"""Who was touched while he was asked, each of so many times, is answered condition by condition."""
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
            watch.is_upset = False
        # hundreds of conditions take a while to spell
        study = await asyncio.to_thread(Study.of, definition, ground.moment, needed, is_counted=True)
        many = len(study.inquiry.questions) > MANY_QUESTIONS
        columnar = parts.columnar.giving_way() if many else parts.columnar
        atoms = await answers_of(columnar, study.inquiry, Scope(workspace_id, ground.merged))
        torn, asked, everybody, fresh = BitMap(), BitMap(), BitMap(), atoms
        for times in range(MOST_TIMES + 1):
            # to take stock is all that rounds wait for
            async with parts.locks[workspace_id]:
                later = await ground_of(runtime, workspace_id)
                again, gone = await _touched(runtime, workspace_id, watch)
                if watch.is_upset:
                    atoms = await answers_of(parts.columnar, study.inquiry, Scope(workspace_id, later.merged))
                    return _answered(study, atoms, later.world, later.world.universe - gone)
            if not times:
                # whoever comes later is not asked any more
                everybody = BitMap(later.world.universe)
            torn = (torn - (asked - again)) if times else again
            atoms = _put(atoms, fresh, asked - again if times < MOST_TIMES else asked)
            if not torn or times == MOST_TIMES:
                return _answered(study, atoms, later.world, everybody - gone)
            asked = torn
            fresh = await _ask_again(runtime, columnar, study.inquiry, asked, workspace_id, later.merged)
    raise AssertionError("the last time is answered")


def _answered(study: Study, atoms: Sequence[BitMap], world: World, among: BitMap) -> Asked:
    def stands(segment: LiveSegment) -> BitMap:
        return world.segments.get(segment.segment_id, segment).members

    return study.answer(atoms, among & world.universe, stands)


def _put(atoms: Sequence[BitMap], fresh: Sequence[BitMap], about: BitMap) -> list[BitMap]:
    """Return the answers with the fresh ones about some persons."""
    return [(old - about) | (new & about) for old, new in zip(atoms, fresh, strict=True)] if about else list(atoms)


async def _touched(runtime: Runtime[SegmentParts], workspace_id: int, watch: Watch) -> tuple[BitMap, BitMap]:
    """Return those whom rounds asked since the last time or who wait to be asked, and who of these is gone."""
    found = watch.take()
    async with runtime.worker_database.transaction(workspace_id) as tx:
        waiting = await touches.touched_persons(tx, workspace_id)
        found.update(waiting)
        found.update((await persons.present(tx, workspace_id, waiting)).values())
        # until a round comes the picture has the erased, and those merged, too
        return found, await persons.gone(tx, workspace_id, waiting)


async def _ask_again(
    runtime: Runtime[SegmentParts],
    columnar: Columnar,
    inquiry: Inquiry,
    whom: BitMap,
    workspace_id: int,
    merged: Moved | None,
) -> list[BitMap]:
    """Ask about some persons as a round does."""
    if len(whom) > MOST_NAMED:
        return await answers_of(columnar, inquiry, Scope(workspace_id, merged))
    async with runtime.worker_database.transaction(workspace_id) as tx:
        under = await owners.stored_under(tx, workspace_id, list(whom))
    try:
        return await ask_few(columnar, inquiry, Scope(workspace_id, merged, list(whom), sorted({*whom, *under})))
    except Refusal as refusal:
        raise Unavailable(NOT_TAKEN) from refusal
