"""One round of a workspace: read what waits, insert, ask, settle."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from pyroaring import BitMap

from libs.common.contracts.segment.cause import Cause
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.segment.domain.answer import Reason, Reasoning
from services.segment.domain.edges import Passed
from services.segment.domain.fact import ANONYMITY, KNOWN_SINCE
from services.segment.domain.moment import Moment
from services.segment.domain.moved import Moved
from services.segment.domain.world import World
from services.segment.store import erasures, memberships, owners, persons, recomputes, squashes, troubles
from services.segment.store.at_once import both
from services.segment.store.erasures import Erasure
from services.segment.store.parts import SegmentParts
from services.segment.store.rebuilds import is_open
from services.segment.store.recomputes import Recompute
from services.segment.store.slices import moved_between
from services.segment.store.touches import Touch, read_touches, remove_touches
from services.segment.store.workspaces import moment_of
from services.segment.usecases.answer_touches import Touched, answer_touches
from services.segment.usecases.erase_rows import erase_rows
from services.segment.usecases.forget_taken import forget_taken
from services.segment.usecases.insert_blocks import insert_blocks
from services.segment.usecases.settle_changes import settle_changes
from services.segment.usecases.settle_erasures import settle_erasures
from services.segment.usecases.settle_round import apply_round, settle_round
from services.segment.usecases.stage_first_known import stage_first_known
from services.segment.usecases.stage_overrides import stage_overrides
from services.segment.usecases.stage_spans import settle_spans
from services.segment.usecases.swap_version import swap_version
from services.segment.usecases.take_calendar import take_calendar
from services.segment.usecases.tell_departures import tell_departures

log = logging.getLogger(__name__)

MOST_TOUCHES = 10_000
_OF_NOBODY_ELSE = frozenset({"event", "trait", "consent", "message"})
_SILENT = frozenset({"revived", "erased"})
_REGROUPING = frozenset({"merge", "split", "revived", "erased"})


@dataclass(frozen=True)
class Waiting:
    """What a round begins with."""

    touches: Sequence[Touch]
    recomputes: Sequence[Recompute]
    erasures: Sequence[Erasure]
    merged: Moved | None


async def run_round(runtime: Runtime[SegmentParts], workspace_id: int) -> int:
    """Answer what waits in a workspace and what time has moved; return how much that was."""
    parts = runtime.parts
    async with parts.locks[workspace_id]:
        now = runtime.now(workspace_id)
        async with runtime.worker_database.transaction(workspace_id) as tx:
            if await is_open(tx, workspace_id):
                # what waits is answered from a whole store; until then everybody stays where he is
                return 0
            world = await parts.world(tx, workspace_id, now=now)
            moment = moment_of(runtime, workspace_id, max(now, world.evaluated_until))
            if world.calendar != moment.calendar:
                await take_calendar(tx, world=world, moment=moment)
                return 1
            waiting = await _read(tx, world)
        still = world.is_still(moment)
        # Read first, inserted after: whatever a touch stands for is then in the store. Whom the clock moved is asked
        # for meanwhile: who has a row that goes in now is touched for it.
        owners_are_in = asyncio.Event()
        inserted, moved = await both(
            insert_blocks(
                runtime.worker_database,
                parts.columnar,
                workspace_id=workspace_id,
                sealer=runtime.sealer(workspace_id),
                owners_are_in=owners_are_in,
            ),
            _moved(runtime, world, waiting, moment, still=still, owners_are_in=owners_are_in),
        )
        if inserted is None:
            return 0
        await erase_rows(parts.columnar, workspace_id=workspace_id, erasures=waiting.erasures)
        try:
            done = await _answer(runtime, world, waiting, moved, moment, still=still)
        except BaseException:
            # half-settled pictures are thrown away; the next round reads what is durable
            parts.worlds.pop(workspace_id, None)
            raise
        async with runtime.worker_database.transaction(workspace_id) as tx:
            # a page a round: nobody else waits for a large segment to be gone
            return done + await tell_departures(tx, workspace_id=workspace_id, now=now)


async def _read(tx: Tx, world: World) -> Waiting:
    workspace_id = world.workspace_id
    waiting = await read_touches(tx, workspace_id, most=MOST_TOUCHES)
    await _settle_owners(tx, world, waiting)
    await _tell_who_they_are(tx, workspace_id, waiting)
    return Waiting(
        waiting,
        await recomputes.waiting(tx, workspace_id),
        await erasures.open_erasures(tx, workspace_id),
        await squashes.moved(tx, workspace_id),
    )


async def _settle_owners(tx: Tx, world: World, touches: Sequence[Touch]) -> None:
    """Let subjects go on to the survivor where a merge, or a merge of the survivor, was applied beside the facts."""
    suspects = {t.person_no for t in touches if t.cause not in _OF_NOBODY_ELSE or t.person_no not in world.universe}
    if suspects - {0}:
        subjects = await owners.settle_owners(tx, world.workspace_id, sorted(suspects))
        await stage_overrides(tx, workspace_id=world.workspace_id, subject_nos=subjects)
        merged = await persons.present(tx, world.workspace_id, sorted(suspects))
        if merged:
            await settle_spans(tx, workspace_id=world.workspace_id, present=merged)


async def _tell_who_they_are(tx: Tx, workspace_id: int, touches: Sequence[Touch]) -> None:
    """Lay down since when they are known and whether named, as all that is committed says, however it came about."""
    whom = {touch.person_no for touch in touches if touch.concern in ("", ANONYMITY, KNOWN_SINCE)} - {0}
    if whom:
        now = await persons.present(tx, workspace_id, sorted(whom))
        await stage_first_known(tx, workspace_id=workspace_id, person_nos=[*whom, *now.values()])


async def _moved(
    runtime: Runtime[SegmentParts],
    world: World,
    waiting: Waiting,
    moment: Moment,
    *,
    still: bool,
    owners_are_in: asyncio.Event,
) -> Mapping[Passed, BitMap]:
    last = replace(moment, now=world.evaluated_until)
    if still or last.now >= moment.now:
        return {}
    await owners_are_in.wait()
    return await moved_between(
        runtime.parts.columnar,
        world.edges(),
        workspace_id=world.workspace_id,
        merged=waiting.merged,
        last=last,
        now=moment,
    )


async def _answer(
    runtime: Runtime[SegmentParts],
    world: World,
    waiting: Waiting,
    moved: Mapping[Passed, BitMap],
    moment: Moment,
    *,
    still: bool,
) -> int:
    columnar, workspace_id = runtime.parts.columnar, world.workspace_id
    async with runtime.worker_database.transaction(workspace_id) as tx:
        touched = await _who(tx, world, waiting, moved)
    runtime.parts.note_touched(workspace_id, touched.people)
    world.universe |= touched.alive
    world.universe -= touched.gone
    answered = await answer_touches(columnar, world, touched, moment)
    reasoning = Reasoning(touched.reasons, touched.moved, answered.changes, Reason("time", moment.now))
    async with runtime.worker_database.transaction(workspace_id) as tx:
        ids = {person_no: person_id for person_no, (_, person_id) in touched.people.items()}
        await settle_changes(
            tx,
            world=world,
            changes=answered.changes,
            vanished=answered.vanished,
            reason_of=reasoning.reason_for,
            person_ids=ids,
            now=moment.now,
        )
        await troubles.note(tx, workspace_id, answered.failed, now=moment.now)
        await remove_touches(tx, [touch.touch_no for touch in waiting.touches])
        await forget_taken(tx, world, touched.erased)
        await memberships.forget_sequences(tx, workspace_id, [erasure.person_no for erasure in waiting.erasures])
        await settle_erasures(tx, workspace_id=workspace_id, erasures=waiting.erasures, now=moment.now)
        await settle_round(tx, world, now=moment.now)
    # the next boundary stays what it is unless rows went in, or out, that a window looks at
    stays = not (waiting.recomputes or waiting.erasures or world.shifts_time(t.concern for t in waiting.touches))
    apply_round(world, answered.changes, answered.vanished, moment.now, upcoming_stays=still and stays)
    for segment_id in answered.failed:
        world.segments[segment_id].is_troubled = True
    for recompute in waiting.recomputes:
        await swap_version(runtime, world, recompute, merged=waiting.merged, moment=moment)
    return len(waiting.touches) + sum(map(len, moved.values())) + len(waiting.recomputes) + len(waiting.erasures)


async def _who(tx: Tx, world: World, waiting: Waiting, moved: Mapping[Passed, BitMap]) -> Touched:
    workspace_id, by_time = world.workspace_id, BitMap.union(*moved.values()) if moved else BitMap()
    named = {touch.person_no for touch in waiting.touches} | set(by_time)
    now = await persons.present(tx, workspace_id, sorted(named))
    reasons: dict[int, list[Reason]] = {}
    for touch in waiting.touches:
        if touch.person_no:
            # a touch of somebody merged meanwhile is the survivor's; he himself is asked to leave
            for person_no in {touch.person_no, now.get(touch.person_no, touch.person_no)}:
                reasons.setdefault(person_no, []).append(_reason(touch))
    everyone = sorted({*reasons, *(now.get(person_no, person_no) for person_no in by_time)})
    people = await persons.snapshot(tx, workspace_id, everyone)
    regrouped = _regrouped(world, waiting.touches, now)
    return Touched(
        reasons=reasons,
        moved={concern: BitMap(now.get(person_no, person_no) for person_no in whom) for concern, whom in moved.items()},
        newcomers=BitMap(person_no for person_no in people if person_no not in world.universe),
        people=people,
        stored_under=await owners.stored_under(tx, workspace_id, everyone),
        merged=waiting.merged,
        regrouped=regrouped,
        ended_in=await persons.ended_in(tx, workspace_id, list(regrouped)),
    )


def _regrouped(world: World, touches: Sequence[Touch], now: Mapping[int, int]) -> BitMap:
    """Return whom merges, splits and erasures are about, where there is a snapshot or a paused segment to change."""
    if not world.kept:
        return BitMap()
    whom = [touch.person_no for touch in touches if touch.cause in _REGROUPING]
    return BitMap([*whom, *(now.get(person_no, person_no) for person_no in whom)])


def _reason(touch: Touch) -> Reason:
    silent = touch.cause in _SILENT
    cause: Cause = "split" if silent else cast("Cause", touch.cause)
    return Reason(cause, touch.received_at, touch.concern, touch.cause_event_id, silent)
