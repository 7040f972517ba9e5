"""Say who entered and exited, each with the number of the change and the cause."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from uuid import UUID

import msgspec

from libs.common import outbox
from libs.common.contracts.segment.membership_entered import MembershipEntered
from libs.common.contracts.segment.membership_exited import MembershipExited
from libs.common.db import Tx
from services.segment.domain.answer import Reason
from services.segment.store import memberships

EVENTS_AT_ONCE = 10_000


class Told(msgspec.Struct, frozen=True, gc=False):
    """A person who entered, or exited, a version of a segment."""

    segment_id: UUID
    version: int
    person_no: int
    has_entered: bool
    reason: Reason


async def tell_changes(
    tx: Tx, workspace_id: int, told: Iterable[Told], *, person_ids: Mapping[int, UUID | None], now: datetime
) -> None:
    """Say what is told, in slices that bound the memory."""
    for part in _slices(iter(told)):
        named = [(one.segment_id, one.person_no) for one in part]
        sequences = await memberships.next_sequences(tx, workspace_id, named)
        events = [
            (MembershipEntered if one.has_entered else MembershipExited)(
                workspace_id=workspace_id,
                person_no=one.person_no,
                person_id=person_ids.get(one.person_no),
                segment_id=one.segment_id,
                segment_version=one.version,
                sequence=sequences[one.segment_id, one.person_no],
                cause=one.reason.cause,
                cause_event_id=one.reason.cause_event_id,
                received_at=one.reason.received_at,
                occurred_at=now,
            )
            for one in part
        ]
        await outbox.add(tx, events)


def _slices(told: Iterator[Told]) -> Iterator[list[Told]]:
    while part := list(islice(told, EVENTS_AT_ONCE)):
        yield part
