"""Messages to events: decode lines, remember which message each came in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Generic
from uuid import UUID

import msgspec

from libs.common.bus.port import WORKSPACE_HEADER, Delivery
from libs.common.bus.subscription import E


@dataclass(frozen=True, slots=True)
class Received(Generic[E]):
    """An event, its line as it came, and the message it came in."""

    event: E
    line: bytes
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is no event of the contract."""

    workspace_id: int
    line: bytes
    reason: str
    delivery: Delivery


@dataclass(slots=True)
class Batch(Generic[E]):
    """What is handled in one transaction; every event once, although it came twice."""

    deliveries: list[Delivery] = field(default_factory=list)
    events: dict[UUID, Received[E]] = field(default_factory=dict)
    unreadable: dict[UUID, Unreadable] = field(default_factory=dict)

    @property
    def workspaces(self) -> list[int]:
        """Return the workspaces concerned."""
        readable = {received.event.workspace_id for received in self.events.values()}
        return sorted(readable | {line.workspace_id for line in self.unreadable.values()})

    @property
    def ids(self) -> set[UUID]:
        """Return the id of every line."""
        return self.events.keys() | self.unreadable.keys()

    def add(self, delivery: Delivery, decoder: "msgspec.json.Decoder[E]") -> None:
        """Decode a message's lines into the batch."""
        self.deliveries.append(delivery)
        workspace = delivery.headers.get(WORKSPACE_HEADER, "")
        for line in delivery.payload.split(b"\n"):
            if not line.strip():
                continue
            try:
                event = decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                number = int(workspace) if workspace.isdecimal() else 0
                unreadable = Unreadable(number, line, f"unreadable: {error}", delivery)
                self.unreadable.setdefault(id_of_line(line), unreadable)
            else:
                self.events.setdefault(event.id, Received(event, line, delivery))


def id_of_line(line: bytes) -> UUID:
    """Return an id for a line whose own cannot be read: the same line is set aside once, however often it comes."""
    return UUID(bytes=sha256(line).digest()[:16])


def batches(deliveries: Sequence[Delivery], decoder: "msgspec.json.Decoder[E]", limit: int) -> Iterable[Batch[E]]:
    """Cut messages into batches of about `limit` events; a message is never cut."""
    batch: Batch[E] = Batch()
    for delivery in deliveries:
        batch.add(delivery, decoder)
        if len(batch.events) >= limit:
            yield batch
            batch = Batch()
    if batch.deliveries:
        yield batch
