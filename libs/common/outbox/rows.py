"""Events to outbox rows: grouped by contract, workspace and partition, as NDJSON within bounds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from libs.common.contracts.event import Event
from libs.common.ids import partition

MAX_EVENTS = 500
MAX_BYTES = 256 * 1024

_encoder = msgspec.json.Encoder()


@dataclass(slots=True)
class OutboxRow:
    """Events of one contract, workspace and partition, in the order they were said."""

    subject: str
    workspace_id: int
    pp: int
    watermark: datetime
    """The greatest received_at behind it."""
    earliest: datetime
    """The least: before it nothing of this row was received."""
    lines: list[bytes] = field(default_factory=list)
    byte_count: int = 0

    @property
    def payload(self) -> bytes:
        """Return the NDJSON."""
        return b"\n".join(self.lines)


def group(events: Iterable[Event]) -> list[OutboxRow]:
    """Return rows of at most MAX_EVENTS events and MAX_BYTES (a larger single event is a row of its own)."""
    return list(_cut(events))


def _cut(events: Iterable[Event]) -> Iterator[OutboxRow]:
    open_rows: dict[tuple[str, int, int], OutboxRow] = {}
    for event in events:
        line = encode_line(event)
        key = (event.subject, event.workspace_id, partition(event.workspace_id, event.person_no))
        row = open_rows.get(key)
        if row is not None and (len(row.lines) == MAX_EVENTS or row.byte_count + len(line) + 1 > MAX_BYTES):
            yield open_rows.pop(key)
            row = None
        if row is None:
            row = open_rows[key] = OutboxRow(*key, watermark=event.received_at, earliest=event.received_at)
        row.lines.append(line)
        row.byte_count += len(line) + 1
        row.watermark = max(row.watermark, event.received_at)
        row.earliest = min(row.earliest, event.received_at)
    yield from open_rows.values()


def encode_line(event: Event) -> bytes:
    """Return an event as one line of JSON, also when a raw JSON part of it was pretty-printed."""
    line = _encoder.encode(event)
    if b"\n" in line or b"\r" in line:
        # inside strings they are escaped, so these can only be white space
        return msgspec.json.format(line, indent=-1)
    return line
