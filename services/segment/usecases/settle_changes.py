"""Write what a round changed: chunks, sequences, sizes and the events that tell it, in one transaction."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from uuid import UUID

from pyroaring import BitMap

from libs.common import outbox
from libs.common.contracts.segment.membership_entered import MembershipEntered
from libs.common.contracts.segment.membership_exited import MembershipExited
from libs.common.db import Tx
from services.segment.domain.answer import Change, Reason
from services.segment.domain.world import LiveSegment, World, chunk_of, chunks_of
from services.segment.store import memberships

EVENTS_AT_ONCE = 10_000
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
    for segment in {**world.segments, **{c.segment.segment_id: c.segment for c in changes}}.values():
        change = by_segment.get(segment.segment_id) or Change(segment, BitMap(), BitMap())
        leaving = segment.members & vanished
        if not (change.entered or change.exited or leaving):
            continue
        after = members_after(segment, change, vanished)
        touched = change.entered | change.exited | leaving
        chunks = ((segment.segment_id, number, chunk_of(after, number)) for number in chunks_of(touched))
        await memberships.save_chunks(tx, world.workspace_id, chunks)
        await _tell(tx, world.workspace_id, change, reason_of, person_ids, now)
        await memberships.save_size(
            tx,
            world.workspace_id,
            segment_id=segment.segment_id,
            version=segment.version,
            at=now,
            size=len(after),
            entered=len(change.entered),
            exited=len(change.exited),
        )


def members_after(segment: LiveSegment, change: Change, vanished: BitMap) -> BitMap:
    """Return the members once the change is in."""
    return ((segment.members | change.entered) - change.exited) - vanished


async def _tell(
    tx: Tx,
    workspace_id: int,
    change: Change,
    reason_of: ReasonOf,
    person_ids: Mapping[int, UUID | None],
    now: datetime,
) -> None:
    segment = change.segment
    told = {person_no: reason_of(segment, person_no) for person_no in change.entered | change.exited}
    told = {person_no: reason for person_no, reason in told.items() if not reason.silent}
    for persons in _slices(sorted(told)):
        sequences = await memberships.next_sequences(tx, workspace_id, segment.segment_id, persons)
        events = []
        for person_no in persons:
            reason = told[person_no]
            contract = MembershipEntered if person_no in change.entered else MembershipExited
            events.append(
                contract(
                    workspace_id=workspace_id,
                    person_no=person_no,
                    person_id=person_ids.get(person_no),
                    segment_id=segment.segment_id,
                    segment_version=segment.version,
                    sequence=sequences[person_no],
                    cause=reason.cause,
                    cause_event_id=reason.cause_event_id,
                    received_at=reason.received_at,
                    occurred_at=now,
                )
            )
        await outbox.add(tx, events)


def _slices(persons: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(persons), EVENTS_AT_ONCE):
        yield persons[start : start + EVENTS_AT_ONCE]
