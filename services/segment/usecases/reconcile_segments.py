"""Ask every live segment in full and compare with its members: the drift has to be 0, else it is repaired."""

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pyroaring import BitMap

from libs.common.errors import Unavailable
from libs.common.runtime import Runtime
from services.segment.domain.answer import Change, Reason
from services.segment.domain.moment import Moment
from services.segment.domain.world import LiveSegment, World, in_order
from services.segment.store import memberships, persons, rebuilds, recomputes, squashes, touches
from services.segment.store.parts import SegmentParts
from services.segment.store.reconciliations import Findings
from services.segment.store.scope import Scope
from services.segment.store.workspaces import moment_of
from services.segment.usecases.answer_apart import answer_apart
from services.segment.usecases.answer_touches import members_of
from services.segment.usecases.settle_changes import apply_change, settle_changes

SEGMENTS_AT_ONCE = 25
"""A statement about everybody for so many at a time at the most: what it holds in memory stays bounded."""
HELD_SECONDS = 0.2
"""For about so long a group keeps rounds waiting, or for as long as one segment takes."""


async def reconcile_segments(runtime: Runtime[SegmentParts], workspace_id: int) -> Findings:
    """Compare, repair and return what was found; who is about to be asked again is no drift."""
    found = Findings()
    done: set[UUID] = set()
    size = 1
    while True:
        # rounds go on between two groups, so each begins from the present picture
        async with runtime.parts.locks[workspace_id]:
            begun = time.perf_counter()
            group = await _group(runtime, workspace_id, done, size)
            if not group:
                return found
            await _compare(runtime, workspace_id, group, found)
            done.update(segment.segment_id for segment in group)
            fitting = int(len(group) * HELD_SECONDS / (time.perf_counter() - begun))
            size = max(1, min(SEGMENTS_AT_ONCE, fitting, 2 * size))


async def _group(runtime: Runtime[SegmentParts], workspace_id: int, done: set[UUID], size: int) -> list[LiveSegment]:
    async with runtime.worker_database.transaction(workspace_id) as tx:
        if await rebuilds.is_open(tx, workspace_id):
            raise Unavailable("the columnar store is being rebuilt; it is reconciled afterwards", retry_after_seconds=5)
        world = await runtime.parts.world(tx, workspace_id, now=runtime.now(workspace_id))
        if not world.is_answered_by(moment_of(runtime, workspace_id, world.evaluated_until).calendar):
            raise Unavailable("another calendar is being taken; it is reconciled afterwards", retry_after_seconds=5)
        changing = {recompute.segment_id for recompute in await recomputes.waiting(tx, workspace_id)}
    left = [
        segment
        for segment in in_order(world.segments)
        if segment.segment_id not in done | changing and segment.is_asked
    ]
    return left[:size]


async def _compare(
    runtime: Runtime[SegmentParts], workspace_id: int, group: Sequence[LiveSegment], found: Findings
) -> None:
    parts = runtime.parts
    async with runtime.worker_database.transaction(workspace_id) as tx:
        world = await parts.world(tx, workspace_id, now=runtime.now(workspace_id))
        merged = await squashes.moved(tx, workspace_id)
    moment = moment_of(runtime, workspace_id, world.evaluated_until)
    answers = await answer_apart(
        parts.columnar,
        group,
        moment=moment,
        scope=Scope(workspace_id, merged),
        among=lambda _: world.universe,
        otherwise=lambda segment_id: members_of(world, segment_id),
    )
    async with runtime.worker_database.transaction(workspace_id) as tx:
        # read after the answer: whatever came into the store before it has its touch here
        named = await touches.touched_persons(tx, workspace_id)
        now = await persons.present(tx, workspace_id, named)
    waiting = BitMap([*named, *now.values()])
    found.segments += len(group)
    found.failed |= answers.failed
    changes = [
        Change(segment, after - segment.members - waiting, segment.members - after - waiting)
        for segment in group
        if (after := answers.members.get(segment.segment_id)) is not None
    ]
    apart = [change for change in changes if change.entered or change.exited]
    found.drift |= {change.segment.segment_id: (len(change.entered), len(change.exited)) for change in apart}
    if apart:
        await _repair(runtime, world, apart, moment)


async def _repair(runtime: Runtime[Any], world: World, apart: Sequence[Change], moment: Moment) -> None:
    workspace_id = world.workspace_id
    reason = Reason("reconcile", moment.now)
    changed = BitMap.union(*(change.entered | change.exited for change in apart))
    async with runtime.worker_database.transaction(workspace_id) as tx:
        known = await persons.snapshot(tx, workspace_id, list(changed))
        await settle_changes(
            tx,
            world=world,
            changes=tuple(apart),
            vanished=BitMap(),
            reason_of=lambda _segment, _person_no: reason,
            person_ids={person_no: person_id for person_no, (_, person_id) in known.items()},
            now=moment.now,
        )
        if not await memberships.settle_round(tx, workspace_id, revision=world.revision, now=moment.now):
            raise Unavailable("the workspace was settled elsewhere meanwhile; it is reconciled again")
    for change in apart:
        apply_change(change)
    world.revision += 1
