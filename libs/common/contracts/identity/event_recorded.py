import re
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from libs.common.contracts.event import Event

ACCOUNT_LENGTH = 500
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
CallKind = Literal["track", "identify", "page", "screen", "group", "alias"]


class EventRecorded(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A touchpoint's event is in the record and belongs to a person.

    `occurred_at` is the event time. `subject_no` is the event's strongest identifier, `identifier_nos` all of them.
    `properties`, `traits` and `context` hold the plain part; `sealed` the personal part of all three as one
    sealed JSON object `{"properties": {}, "traits": {}, "context": {}}`.
    """

    subject: ClassVar[str] = "identity.event.recorded.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("profile", "segment", "journey")

    kind: CallKind
    name: str
    source_id: int
    message_id: str
    person_id: UUID | None = None
    subject_no: int = 0
    identifier_nos: tuple[int, ...] = ()
    authenticated: bool = False
    properties: msgspec.Raw = msgspec.Raw(b"{}")
    traits: msgspec.Raw = msgspec.Raw(b"{}")
    context: msgspec.Raw = msgspec.Raw(b"{}")
    sealed: str | None = None
    group_id: str | None = None
    imported: bool = False
    live: bool = True
    original_timestamp: datetime | None = None

    @property
    def account(self) -> str | None:
        """Return the account a group call is about; None of any other call, and where it cannot be kept."""
        account = (self.group_id or "").strip()
        storable = 0 < len(account) <= ACCOUNT_LENGTH and not _UNSTORABLE.search(account)
        return account if self.kind == "group" and storable else None
