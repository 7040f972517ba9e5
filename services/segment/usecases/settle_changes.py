"""Write what a round changed: chunks, sequences, sizes and the events that tell it, in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from uuid import UUID

from pyroaring import BitMap

from libs.common.db import Tx
from services.segment.domain.answer import Change, Reason
from services.segment.domain.world import LiveSegment, World, chunk_of, chunks_of
from services.segment.store import memberships
from services.segment.store.memberships import Resized
from services.segment.usecases.tell_changes import Told, tell_changes

ReasonOf = Callable[[LiveSegment, int], Reason]


async def settle_changes(
    tx: Tx,
    *,
    world: World,
    changes: tuple[Change, ...],
    vanished: BitMap,
    reason_of: ReasonOf,
    person_ids: Mapping[int, UUID | None],
    now: datetime,
) -> None:
    """Write members, sequences, sizes and the entered / exited events; `vanished` leave everything silently."""
    by_segment = {change.segment.segment_id: change for change in changes}
    settled = []
    for segment in {**world.segments, **{c.segment.segment_id: c.segment for c in changes}}.values():
        change = by_segment.get(segment.segment_id) or Change(segment, BitMap(), BitMap())
        touched = change.entered | change.exited | (segment.members & vanished)
        if touched:
            settled.append((change, touched))
    if not settled:
        return
    await memberships.save_chunks(
        tx,
        world.workspace_id,
        (
            (change.segment.segment_id, number, _chunk_after(change, vanished, number))
            for change, touched in settled
            for number in chunks_of(touched)
        ),
    )
    told = _told((change for change, _ in settled), reason_of)
    await tell_changes(tx, world.workspace_id, told, person_ids=person_ids, now=now)
    sizes = [resized(change, vanished) for change, _ in settled]
    await memberships.save_sizes(tx, world.workspace_id, sizes, at=now)


def apply_change(change: Change) -> None:
    """Let the picture in memory have what is settled."""
    change.segment.members |= change.entered
    change.segment.members -= change.exited


def _chunk_after(change: Change, vanished: BitMap, number: int) -> BitMap:
    # of this chunk alone: the members of a segment may be a million
    after = chunk_of(change.segment.members, number)
    if change.entered:
        after |= chunk_of(change.entered, number)
    if change.exited:
        after -= change.exited
    if vanished:
        after -= vanished
    return after


def resized(change: Change, vanished: BitMap) -> Resized:
    """Return a segment's new size, and how many came and left, told or not: it is the old one and these."""
    segment, before = change.segment, change.segment.members
    entered = len((change.entered - before) - vanished)
    exited = before.intersection_cardinality(change.exited | vanished)
    return Resized(segment.segment_id, segment.version, len(before) + entered - exited, entered, exited)


def _told(changes: Iterable[Change], reason_of: ReasonOf) -> Iterator[Told]:
    for change in changes:
        segment = change.segment
        for person_no in change.entered | change.exited:
            reason = reason_of(segment, person_no)
            if not reason.silent:
                yield Told(segment.segment_id, segment.version, person_no, person_no in change.entered, reason)
