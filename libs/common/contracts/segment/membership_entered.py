from typing import ClassVar
from uuid import UUID

from libs.common.contracts.event import Event
from libs.common.contracts.segment.cause import Cause


class MembershipEntered(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A person entered a segment; `sequence` grows per segment and person, `cause` says why."""

    subject: ClassVar[str] = "segment.membership.entered.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("journey",)

    segment_id: UUID
    segment_version: int
    sequence: int
    cause: Cause
    person_id: UUID | None = None
    cause_event_id: UUID | None = None
