from datetime import datetime
from typing import ClassVar
from uuid import UUID

from libs.common.contracts.event import Event


class OwnershipChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """An identifier belongs to `person_no` from `since` on (always, when absent).

    Receivers keep, per `subject_no`, the fact with the greatest `version`. `namespace` and `scope` are plain,
    `lookup` is the keyed hash of the canonical value and `sealed_value` the sealed canonical value.
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
