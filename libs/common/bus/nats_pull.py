"""A durable pull consumer over raw NATS."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription
from nats.js.client import JetStreamContext

from libs.common.bus.port import ConsumerLost, ConsumerState, Delivery

if TYPE_CHECKING:
    from nats.js.api import ConsumerInfo

REQUEST_SECONDS = 5.0
_ENDED_NORMALLY = ("404", "408")


class NatsDelivery:
    """A JetStream message in hand."""

    __slots__ = ("_message", "attempt", "headers", "payload", "sequence", "subject")

    def __init__(self, message: Msg) -> None:
        self._message = message
        metadata = message.metadata
        self.subject = message.subject
        self.payload = message.data
        self.headers = dict(message.headers or {})
        self.sequence = int(metadata.sequence.stream)
        self.attempt = int(metadata.num_delivered or 1)

    async def ack(self) -> None:
        """Say that its effects are durable."""
        await self._message.ack()

    async def nak(self, delay_seconds: float = 0) -> None:
        """Ask for it again, not before the delay."""
        await self._message.nak(delay=delay_seconds or None)

    async def term(self) -> None:
        """Never deliver it again."""
        await self._message.term()

    async def in_progress(self) -> None:
        """Start its acknowledgement wait anew."""
        await self._message.in_progress()


class NatsConsumer:
    """Keeps one pull request open and hands out what has arrived at once.

    nats-py's own fetch() waits for the whole batch until its timeout, which delays a trickle of messages by seconds.
    """

    def __init__(self, client: Client, jetstream: JetStreamContext, stream: str, name: str) -> None:
        self.name = name
        self._client = client
        self._jetstream = jetstream
        self._stream = stream
        self._inbox = ""
        self._subscription: NatsSubscription | None = None
        self._arrived: deque[Msg] = deque()
        self._news = asyncio.Event()
        self._requested = 0
        self._request_ends = 0.0
        self._lost = ""
        self._interrupted = False
        self.closed = False

    async def open(self) -> None:
        """Listen on an inbox of our own for the answers to pull requests."""
        self._inbox = self._client.new_inbox()
        self._subscription = await self._client.subscribe(self._inbox, cb=self._take)

    async def close(self) -> None:
        """Stop listening and give back what was not handed out; closing twice is closing once."""
        if self.closed:
            return
        self.closed = True
        if self._subscription is not None and self._client.is_connected:
            # drain, not unsubscribe: messages still on their way would otherwise stay out for their whole ack wait
            with suppress(nats.errors.Error, TimeoutError):
                await self._subscription.drain()  # type: ignore[no-untyped-call]
                for message in self._arrived:
                    await message.nak()
        self._arrived.clear()

    def forget_request(self) -> None:
        """The connection was new: the server no longer knows of an open request."""
        self._requested = 0
        self._news.set()

    def interrupt(self) -> None:
        """Let the fetch that waits, and every later one, return nothing at once."""
        self._interrupted = True
        self._news.set()

    async def fetch(self, limit: int, timeout_seconds: float) -> Sequence[Delivery]:
        """Return up to `limit` messages, as soon as there is one; none at the timeout. Raises ConsumerLost."""
        deadline = time.monotonic() + timeout_seconds
        while not self._arrived or self._interrupted:
            self._news.clear()
            if self._interrupted:
                return []
            if self._lost:
                raise ConsumerLost(self._lost)
            await self._request(limit)
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return []
            try:
                await asyncio.wait_for(self._news.wait(), min(remaining, 1.0))
            except TimeoutError:
                continue
        taken = [NatsDelivery(self._arrived.popleft()) for _ in range(min(limit, len(self._arrived)))]
        # the next request travels while these are handled
        await self._request(limit)
        return taken

    async def state(self) -> ConsumerState:
        """Return how far it is."""
        return state_of(await self._jetstream.consumer_info(self._stream, self.name), last_sequence=0)

    async def _request(self, limit: int) -> None:
        now = time.monotonic()
        if self._interrupted or len(self._arrived) >= limit or (self._requested > 0 and now < self._request_ends):
            return
        request = {"batch": limit, "expires": int(REQUEST_SECONDS * 1e9)}
        await self._client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self.name}", json.dumps(request).encode(), reply=self._inbox
        )
        self._requested = limit
        self._request_ends = now + REQUEST_SECONDS + 1

    async def _take(self, message: Msg) -> None:
        status = (message.headers or {}).get("Status") if not message.data else None
        if status is None:
            self._arrived.append(message)
            self._requested -= 1
        elif status != "100":
            self._requested = 0
            if status not in _ENDED_NORMALLY:
                self._note_status(status, (message.headers or {}).get("Description", ""))
        self._news.set()

    def _note_status(self, status: str, description: str) -> None:
        # 409 also says "Leadership Change" or "Server Shutdown", after which asking again is enough
        if status == "503" or "Deleted" in description or "Not Found" in description:
            self._lost = f"{status} {description}".strip()


def state_of(info: "ConsumerInfo", last_sequence: int) -> ConsumerState:
    """Return a consumer's state; with nothing open, all up to `last_sequence` (read before) is acknowledged."""
    pending, ack_pending = info.num_pending or 0, info.num_ack_pending or 0
    floor = info.ack_floor.stream_seq if info.ack_floor else 0
    if pending == 0 and ack_pending == 0:
        floor = max(floor, last_sequence)
    return ConsumerState(info.name, info.config.filter_subject or ">", floor, pending, ack_pending)
