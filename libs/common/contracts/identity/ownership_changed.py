from datetime import datetime
from typing import ClassVar
from uuid import UUID

from libs.common.contracts.event import Event

VISITOR_NAMESPACES = frozenset({"cookie", "device", "session"})
"""Whose identifiers name a browser, a device or a visit: who has no others is anonymous."""


class OwnershipChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """An identifier belongs to `person_no` for events in [`since`, `until`), without an end where one is absent.

    Receivers paint the facts of a `subject_no` over event time, greater versions over smaller (libs/common/painting).
    One version may say several intervals: a device that changes hands is owned by whoever held it then. `namespace` and
    `scope` are plain, `lookup` is the keyed hash of the canonical value and `sealed_value` the sealed canonical value.
    """

    subject: ClassVar[str] = "identity.ownership.changed.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("profile", "segment")

    subject_no: int
    person_id: UUID
    version: int
    namespace: str
    scope: str = ""
    lookup: bytes = b""
    sealed_value: str = ""
    since: datetime | None = None
    from_person_no: int = 0
    until: datetime | None = None
