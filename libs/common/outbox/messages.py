"""Outbox rows to bus messages: rows of one contract, workspace and partition travel together, in their order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from libs.common.outbox.rows import MAX_BYTES, MAX_EVENTS


@dataclass(frozen=True, slots=True)
class ClaimedRow:
    """A row of the log that is to be published."""

    log_id: int
    workspace_id: int
    subject: str
    pp: int
    event_count: int
    payload: bytes
    said_again: int
    traceparent: str | None


@dataclass(slots=True)
class Message:
    """Rows that become one bus message."""

    rows: list[ClaimedRow] = field(default_factory=list)
    event_count: int = 0
    byte_count: int = 0

    @property
    def subject(self) -> str:
        """Return the subject on the wire."""
        return f"{self.rows[0].subject}.{self.rows[0].pp}"

    @property
    def payload(self) -> bytes:
        """Return the NDJSON of all rows."""
        return b"\n".join(row.payload for row in self.rows)

    @property
    def key(self) -> str:
        """Return the same text for the same rows: the stream drops a second copy.

        By content, because the numbers of the log begin anew in a restored database while the stream remembers.
        """
        content = blake2b(self.payload, digest_size=16).hexdigest()
        return f"{content}-{sum(row.said_again for row in self.rows)}"

    def has_room_for(self, row: ClaimedRow) -> bool:
        """Tell whether the row still fits within the bounds."""
        return self.event_count + row.event_count <= MAX_EVENTS and self.byte_count + len(row.payload) < MAX_BYTES


def merge(rows: Sequence[ClaimedRow]) -> list[Message]:
    """Return the messages for rows in log order; per contract, workspace and partition the order is kept."""
    messages: list[Message] = []
    open_messages: dict[tuple[str, int, int], Message] = {}
    for row in rows:
        key = (row.subject, row.workspace_id, row.pp)
        message = open_messages.get(key)
        if message is None or not message.has_room_for(row):
            message = open_messages[key] = Message()
            messages.append(message)
        message.rows.append(row)
        message.event_count += row.event_count
        message.byte_count += len(row.payload) + 1
    return messages
