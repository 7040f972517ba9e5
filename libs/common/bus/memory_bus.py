"""The bus in memory, for tests and single-process tools: the same meaning, nothing durable."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase

from libs.common.bus.memory_key_value import MemoryKeyValue
from libs.common.bus.port import (
    BusUnavailable,
    Consumer,
    ConsumerLost,
    ConsumerState,
    Delivery,
    KeyValue,
    Outgoing,
    Published,
    Refused,
    StreamState,
)
from libs.common.clock import wall_now

LONGEST_WAIT_SECONDS = 1.0
"""A fetch that waits looks at least so often; what happens to its stream wakes it."""


@dataclass
class _Stored:
    sequence: int
    message: Outgoing


@dataclass
class _Durable:
    """The server's side of a durable consumer; `open` maps sequences handed out to (when again, attempt)."""

    name: str
    filter_subject: str
    ack_wait_seconds: float
    next_sequence: int = 1
    open: dict[int, tuple[float, int]] = field(default_factory=dict)


@dataclass
class _Stream:
    created_at: datetime = field(default_factory=wall_now)
    first_sequence: int = 1
    messages: dict[int, _Stored] = field(default_factory=dict)
    last_sequence: int = 0
    held_bytes: int = 0
    """Of the payloads of `messages`: each publish asks, and adding them up made a long run quadratic."""
    seen: dict[str, int] = field(default_factory=dict)
    durables: dict[str, _Durable] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell_news(self) -> None:
        """Wake every fetch that waits here: something happened that it may be waiting for."""
        self.news.set()
        self.news = asyncio.Event()

    def add(self, message: Outgoing) -> Published:
        known = self.seen.get(message.message_id)
        if known is not None:
            return Published(known, duplicate=True)
        self.last_sequence += 1
        self.seen[message.message_id] = self.last_sequence
        self.messages[self.last_sequence] = _Stored(self.last_sequence, message)
        self.held_bytes += len(message.payload)
        return Published(self.last_sequence)

    def waiting(self, durable: _Durable) -> list[int]:
        found = [
            sequence
            for sequence in range(max(durable.next_sequence, self.first_sequence), self.last_sequence + 1)
            if sequence in self.messages
            and fnmatchcase(self.messages[sequence].message.subject, durable.filter_subject)
        ]
        # what was said before the first of them is of no concern, and nobody looks through it again
        durable.next_sequence = found[0] if found else self.last_sequence + 1
        return found

    def state_of(self, durable: _Durable) -> ConsumerState:
        pending = self.waiting(durable)
        unacknowledged = [*durable.open, *pending]
        floor = min(unacknowledged) - 1 if unacknowledged else self.last_sequence
        return ConsumerState(durable.name, durable.filter_subject, floor, len(pending), len(durable.open))


class MemoryDelivery:
    """A message in hand."""

    def __init__(self, stream: _Stream, durable: _Durable, stored: _Stored, attempt: int) -> None:
        self._stream = stream
        self._durable = durable
        self.subject = stored.message.subject
        self.payload = stored.message.payload
        self.headers = dict(stored.message.headers)
        self.sequence = stored.sequence
        self.attempt = attempt

    async def ack(self) -> None:
        """Say that its effects are durable."""
        self._durable.open.pop(self.sequence, None)

    async def nak(self, delay_seconds: float = 0) -> None:
        """Ask for it again, not before the delay."""
        if self.sequence in self._durable.open:
            self._durable.open[self.sequence] = (time.monotonic() + delay_seconds, self.attempt)
            self._stream.tell_news()

    async def term(self) -> None:
        """Never deliver it again."""
        self._durable.open.pop(self.sequence, None)

    async def in_progress(self) -> None:
        """Start its acknowledgement wait anew."""
        if self.sequence in self._durable.open:
            again = time.monotonic() + self._durable.ack_wait_seconds
            self._durable.open[self.sequence] = (again, self.attempt)


class MemoryConsumer:
    """A durable pull consumer of a MemoryBus."""

    def __init__(self, bus: "MemoryBus", owner: str, name: str) -> None:
        self._bus = bus
        self._owner = owner
        self._interrupted = False
        self.name = name

    def interrupt(self) -> None:
        """Let the fetch that waits, and every later one, return nothing at once."""
        self._interrupted = True
        stream = self._bus.streams.get(self._owner)
        if stream is not None:
            stream.tell_news()

    async def fetch(self, limit: int, timeout_seconds: float) -> Sequence[Delivery]:
        """Return up to `limit` messages, as soon as there is one; none at the timeout. Raises ConsumerLost."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            stream = self._bus.streams.get(self._owner)
            news = stream.news if stream is not None else asyncio.Event()
            taken = self._take(limit)
            remaining = deadline - time.monotonic()
            if taken or remaining <= 0 or self._interrupted:
                return taken
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), min(remaining, self._until_redelivery()))

    def _until_redelivery(self) -> float:
        """Return the seconds until what was handed out before falls due again, at most the longest wait."""
        stream = self._bus.streams.get(self._owner)
        durable = stream.durables.get(self.name) if stream else None
        if self._bus.down or durable is None or not durable.open:
            return LONGEST_WAIT_SECONDS
        return min(LONGEST_WAIT_SECONDS, max(0.0, min(again for again, _ in durable.open.values()) - time.monotonic()))

    def _take(self, limit: int) -> list[Delivery]:
        if self._bus.down:
            return []
        stream = self._bus.streams.get(self._owner)
        durable = stream.durables.get(self.name) if stream else None
        if stream is None or durable is None:
            raise ConsumerLost(f"{self.name} is not there")
        now = time.monotonic()
        due = [(sequence, attempt + 1) for sequence, (again, attempt) in durable.open.items() if again <= now]
        fresh = [(sequence, 1) for sequence in stream.waiting(durable)[: max(0, limit - len(due))]]
        taken: list[Delivery] = []
        for sequence, attempt in (due + fresh)[:limit]:
            durable.open[sequence] = (now + durable.ack_wait_seconds, attempt)
            durable.next_sequence = max(durable.next_sequence, sequence + 1)
            taken.append(MemoryDelivery(stream, durable, stream.messages[sequence], attempt))
        return taken

    async def state(self) -> ConsumerState:
        """Return how far it is."""
        stream = self._bus.streams[self._owner]
        return stream.state_of(stream.durables[self.name])

    async def close(self) -> None:
        """Stop fetching; the durable consumer stays."""


class MemoryBus:
    """Streams, consumers and buckets in this process. `down` plays an unreachable server, `wipe` a lost one."""

    def __init__(self, max_bytes: int = 2**30) -> None:
        self.streams: dict[str, _Stream] = {}
        self._down = False
        self._buckets: dict[str, MemoryKeyValue] = {}
        self._max_bytes = max_bytes

    @property
    def down(self) -> bool:
        """Whether it plays a server that is out of reach."""
        return self._down

    @down.setter
    def down(self, is_down: bool) -> None:
        self._down = is_down
        self._tell_news(self.streams)

    def wipe(self) -> None:
        """Lose every stream, message and consumer."""
        lost, self.streams = self.streams, {}
        self._tell_news(lost)

    @staticmethod
    def _tell_news(streams: Mapping[str, _Stream]) -> None:
        for stream in streams.values():
            stream.tell_news()

    async def ensure_stream(self, owner: str) -> None:
        """Make the owner's stream."""
        self._assert_up()
        self.streams.setdefault(owner, _Stream())

    async def stream_state(self, owner: str) -> StreamState:
        """Return the state of the owner's stream."""
        stream = self._stream(owner)
        return StreamState(
            stream.created_at, stream.first_sequence, stream.last_sequence, stream.held_bytes, self._max_bytes
        )

    async def publish(self, messages: Sequence[Outgoing]) -> list[Published | Refused]:
        """Publish messages; the answers are in the order given."""
        answers: list[Published | Refused] = []
        told: dict[str, _Stream] = {}
        for message in messages:
            owner = message.subject.split(".", 1)[0]
            try:
                state = await self.stream_state(owner)
            except BusUnavailable as error:
                answers.append(Refused(str(error)))
                continue
            if state.bytes + len(message.payload) > self._max_bytes:
                answers.append(Refused("maximum bytes exceeded"))
            else:
                answers.append(self.streams[owner].add(message))
                told[owner] = self.streams[owner]
        self._tell_news(told)
        return answers

    async def consumer(self, owner: str, name: str, subject: str, ack_wait_seconds: float = 60) -> Consumer:
        """Ensure a durable consumer of a contract's subject (all partitions) and bind to it."""
        stream = self._stream(owner)
        durable = stream.durables.setdefault(name, _Durable(name, f"{subject}.*", ack_wait_seconds))
        durable.filter_subject, durable.ack_wait_seconds = f"{subject}.*", ack_wait_seconds
        return MemoryConsumer(self, owner, name)

    async def consumers(self, owner: str) -> list[ConsumerState]:
        """Return every durable consumer of the owner's stream."""
        stream = self._stream(owner)
        return [stream.state_of(durable) for durable in stream.durables.values()]

    async def purge(self, owner: str, below_sequence: int) -> None:
        """Drop the messages of the owner's stream below a sequence."""
        stream = self._stream(owner)
        stream.first_sequence = max(stream.first_sequence, below_sequence)
        for sequence in [number for number in stream.messages if number < below_sequence]:
            stream.held_bytes -= len(stream.messages.pop(sequence).message.payload)
        for durable in stream.durables.values():
            for sequence in [number for number in durable.open if number < below_sequence]:
                del durable.open[sequence]

    async def key_value(self, bucket: str) -> KeyValue:
        """Return a bucket."""
        self._assert_up()
        return self._buckets.setdefault(bucket, MemoryKeyValue())

    async def ready(self) -> None:
        """Raise BusUnavailable while the bus is down."""
        self._assert_up()

    async def close(self) -> None:
        """Nothing to disconnect."""

    def _assert_up(self) -> None:
        if self.down:
            raise BusUnavailable("the bus is down")

    def _stream(self, owner: str) -> _Stream:
        self._assert_up()
        stream = self.streams.get(owner)
        if stream is None:
            raise BusUnavailable(f"there is no stream {owner}")
        return stream
