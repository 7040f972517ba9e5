"""What the product needs of a bus; NatsBus and MemoryBus both keep it, and pass one suite."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

WORKSPACE_HEADER = "Rapport-Workspace"
COUNT_HEADER = "Rapport-Events"
MARK_HEADER = "Rapport-Mark"
"""Creation time of the oldest row in the sender's log: nothing older can be sent again."""


class BusUnavailable(Exception):
    """The bus does not answer; the message says why."""


class ConsumerLost(Exception):
    """The durable consumer or its stream is gone; it has to be ensured again."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish; the stream drops a second one with the same `message_id` within two minutes."""

    subject: str
    payload: bytes
    message_id: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Published:
    """The stream holds the message under this sequence; `duplicate` when it held it before."""

    sequence: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The stream does not hold the message, or nobody knows."""

    reason: str


@dataclass(frozen=True, slots=True)
class StreamState:
    """A stream as it is now: `created_at` tells a wiped one from the one known before."""

    created_at: datetime
    first_sequence: int
    last_sequence: int
    bytes: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class ConsumerState:
    """A durable consumer; everything of its subject up to `ack_floor` (a stream sequence) is acknowledged."""

    name: str
    filter_subject: str
    ack_floor: int
    pending: int
    ack_pending: int


class Delivery(Protocol):
    """A message in hand: answered by exactly one of ack, nak, term."""

    subject: str
    payload: bytes
    headers: dict[str, str]
    sequence: int
    attempt: int

    async def ack(self) -> None:
        """Say that its effects are durable."""

    async def nak(self, delay_seconds: float = 0) -> None:
        """Ask for it again, not before the delay."""

    async def term(self) -> None:
        """Never deliver it again."""

    async def in_progress(self) -> None:
        """Start its acknowledgement wait anew."""


class Consumer(Protocol):
    """A durable pull consumer; several processes may share one."""

    name: str

    async def fetch(self, limit: int, timeout_seconds: float) -> Sequence[Delivery]:
        """Return up to `limit` messages, as soon as there is one; none at the timeout. Raises ConsumerLost."""

    def interrupt(self) -> None:
        """Let the fetch that waits, and every later one, return nothing at once."""

    async def state(self) -> ConsumerState:
        """Return how far it is."""

    async def close(self) -> None:
        """Stop fetching; the durable consumer stays."""


class KeyValue(Protocol):
    """A bucket of small values, made by the first put; keys are dotted words."""

    async def get(self, key: str) -> bytes | None:
        """Return a value; None when there is none. Raises BusUnavailable."""

    async def put(self, key: str, value: bytes) -> None:
        """Set a value."""

    def watch(self) -> AsyncIterator[tuple[str, bytes | None]]:
        """Yield every value there is, then every change (None: deleted); after a reconnect all of them once more."""


class Bus(Protocol):
    """Streams (one per owner), durable consumers, and buckets."""

    async def ensure_stream(self, owner: str) -> None:
        """Make the owner's stream, or correct one that drifted from the rules."""

    async def stream_state(self, owner: str) -> StreamState:
        """Return the state of the owner's stream."""

    async def publish(self, messages: Sequence[Outgoing]) -> list[Published | Refused]:
        """Publish a window of messages and wait for all acknowledgements; the answers are in the order given."""

    async def consumer(self, owner: str, name: str, subject: str, ack_wait_seconds: float = 60) -> Consumer:
        """Ensure a durable consumer of a contract's subject (all partitions) and bind to it."""

    async def consumers(self, owner: str) -> list[ConsumerState]:
        """Return every durable consumer of the owner's stream."""

    async def purge(self, owner: str, below_sequence: int) -> None:
        """Drop the messages of the owner's stream below a sequence."""

    async def key_value(self, bucket: str) -> KeyValue:
        """Return a bucket."""

    async def ready(self) -> None:
        """Prove by an acknowledged publish that the bus works; raises BusUnavailable."""

    async def close(self) -> None:
        """Disconnect."""
