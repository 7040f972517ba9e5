"""A new version of a segment, computed aside, takes the place of the one in force."""

import logging
from datetime import datetime
from typing import cast
from uuid import UUID

from pyroaring import BitMap

from libs.common.contracts.segment.cause import Cause
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.segment.domain.answer import Reason
from services.segment.domain.fault import InvalidDefinition
from services.segment.domain.moment import Moment
from services.segment.domain.moved import Moved
from services.segment.domain.world import LiveSegment, World
from services.segment.store import manual_lists, persons, recomputes, snapshots, troubles
from services.segment.store.columnar import QueryTooHeavy, Refusal
from services.segment.store.parts import SegmentParts
from services.segment.store.recomputes import Recompute
from services.segment.store.touches import Touch, TouchCause, add_touches
from services.segment.store.worlds import definition_of, unreadable
from services.segment.usecases.answer_apart import reason_of
from services.segment.usecases.recompute_segment import recompute_segment
from services.segment.usecases.settle_changes import settle_changes
from services.segment.usecases.settle_round import apply_round, settle_round

log = logging.getLogger(__name__)


async def swap_version(
    runtime: Runtime[SegmentParts], world: World, recompute: Recompute, *, merged: Moved | None, moment: Moment
) -> None:
    """Compute a version aside, swap it in, and let those who refer to the segment ask its changed members again."""
    workspace_id = world.workspace_id
    async with runtime.worker_database.transaction(workspace_id) as tx:
        included, excluded = (await manual_lists.load(tx, workspace_id)).get(recompute.segment_id, ([], []))
    known = world.segments.get(recompute.segment_id)
    try:
        fresh = LiveSegment(
            recompute.segment_id,
            recompute.version,
            definition_of(recompute.definition),
            known.members if known else BitMap(),
            BitMap(included),
            BitMap(excluded),
        )
        change = await recompute_segment(runtime.parts.columnar, world, fresh, merged=merged, moment=moment)
    except (QueryTooHeavy, Refusal, InvalidDefinition) as problem:
        log.warning("a segment cannot be computed", extra={"segment": str(recompute.segment_id), "why": str(problem)})
        why = unreadable(problem) if isinstance(problem, InvalidDefinition) else reason_of(problem)
        async with runtime.worker_database.transaction(workspace_id) as tx:
            await troubles.note(tx, workspace_id, {recompute.segment_id: why}, now=moment.now)
            await recomputes.drop(tx, workspace_id, recompute)
        if known is not None and known.version == recompute.version:
            known.is_troubled = True
        return
    reason = Reason(cast("Cause", recompute.cause), moment.now)
    changed = change.entered | change.exited
    dependent = any(recompute.segment_id in other.concerns.segments for other in world.segments.values())
    async with runtime.worker_database.transaction(workspace_id) as tx:
        ids = await _ids(tx, workspace_id, changed)
        await settle_changes(
            tx,
            world=world,
            changes=(change,),
            vanished=BitMap(),
            reason_of=lambda _segment, _person_no: reason,
            person_ids=ids,
            now=moment.now,
        )
        await recomputes.swap(tx, workspace_id, recompute)
        await snapshots.forget(tx, workspace_id, recompute.segment_id)
        await troubles.clear(tx, workspace_id, recompute.segment_id)
        if dependent:
            await _touch_dependents(tx, workspace_id, recompute, changed, moment.now)
        await settle_round(tx, world, now=moment.now)
    world.segments[fresh.segment_id] = fresh
    apply_round(world, (change,), BitMap(), moment.now)


async def _ids(tx: Tx, workspace_id: int, changed: BitMap) -> dict[int, UUID | None]:
    found = await persons.snapshot(tx, workspace_id, list(changed))
    return {person_no: person_id for person_no, (_, person_id) in found.items()}


async def _touch_dependents(tx: Tx, workspace_id: int, recompute: Recompute, changed: BitMap, now: datetime) -> None:
    cause = cast("TouchCause", recompute.cause)
    concern = f"segment:{recompute.segment_id}"
    await add_touches(tx, workspace_id, [Touch(person_no, cause, now, concern) for person_no in changed])
