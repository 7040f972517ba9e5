"""Write what a round changed: chunks, sequences, sizes and the events that tell it, in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from uuid import UUID

from pyroaring import BitMap

from libs.common import outbox
from libs.common.contracts.segment.membership_entered import MembershipEntered
from libs.common.contracts.segment.membership_exited import MembershipExited
from libs.common.db import Tx
from services.segment.domain.answer import Change, Reason
from services.segment.domain.world import LiveSegment, World, chunk_of, chunks_of
from services.segment.store import memberships
from services.segment.store.memberships import Resized

EVENTS_AT_ONCE = 10_000
ReasonOf = Callable[[LiveSegment, int], Reason]
Told = tuple[Change, int, Reason]


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
    await _tell(tx, world.workspace_id, [change for change, _ in settled], reason_of, person_ids, now)
    sizes = [
        Resized(c.segment.segment_id, c.segment.version, _size_after(c, vanished), len(c.entered), len(c.exited))
        for c, _ in settled
    ]
    await memberships.save_sizes(tx, world.workspace_id, sizes, at=now)


def apply_change(change: Change) -> None:
    """Let the picture in memory have what is settled."""
    change.segment.members |= change.entered
    change.segment.members -= change.exited


def _chunk_after(change: Change, vanished: BitMap, number: int) -> BitMap:
    # of this chunk alone: the members of a segment may be a million
    return ((chunk_of(change.segment.members, number) | chunk_of(change.entered, number)) - change.exited) - vanished


def _size_after(change: Change, vanished: BitMap) -> int:
    before = change.segment.members
    come = len((change.entered - before) - vanished)
    return len(before) + come - before.intersection_cardinality(change.exited | vanished)


async def _tell(
    tx: Tx,
    workspace_id: int,
    changes: Iterable[Change],
    reason_of: ReasonOf,
    person_ids: Mapping[int, UUID | None],
    now: datetime,
) -> None:
    """Say who entered and exited, in slices that bound the memory."""
    for told in _slices(_told(changes, reason_of)):
        named = [(change.segment.segment_id, person_no) for change, person_no, _ in told]
        sequences = await memberships.next_sequences(tx, workspace_id, named)
        events = []
        for change, person_no, reason in told:
            segment = change.segment
            contract = MembershipEntered if person_no in change.entered else MembershipExited
            events.append(
                contract(
                    workspace_id=workspace_id,
                    person_no=person_no,
                    person_id=person_ids.get(person_no),
                    segment_id=segment.segment_id,
                    segment_version=segment.version,
                    sequence=sequences[segment.segment_id, person_no],
                    cause=reason.cause,
                    cause_event_id=reason.cause_event_id,
                    received_at=reason.received_at,
                    occurred_at=now,
                )
            )
        await outbox.add(tx, events)


def _told(changes: Iterable[Change], reason_of: ReasonOf) -> Iterator[Told]:
    for change in changes:
        for person_no in change.entered | change.exited:
            reason = reason_of(change.segment, person_no)
            if not reason.silent:
                yield change, person_no, reason


def _slices(told: Iterator[Told]) -> Iterator[list[Told]]:
    while slice_ := list(islice(told, EVENTS_AT_ONCE)):
        yield slice_
