"""The bus over NATS JetStream."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.js import api
from nats.js.client import JetStreamContext
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError

from libs.common.bus.nats_key_value import NatsKeyValue
from libs.common.bus.nats_pull import NatsConsumer, state_of
from libs.common.bus.port import (
    BusUnavailable,
    Consumer,
    ConsumerState,
    KeyValue,
    Outgoing,
    Published,
    Refused,
    StreamState,
)

log = logging.getLogger(__name__)

ACKNOWLEDGE_SECONDS = 5.0
CANARY_SECONDS = 2.0
_FAILURES = (JetStreamError, nats.errors.Error, TimeoutError, OSError)


@dataclass(frozen=True)
class StreamLimits:
    """Bounds of a stream: when it is full it refuses (the outbox waits), it never drops the oldest."""

    max_bytes: int = 2**30
    max_age_hours: int = 72
    replicas: int = 1


class NatsBus:
    """One connection of one service. It connects and reconnects for ever in the background."""

    def __init__(self, client: Client, service: str, limits: StreamLimits) -> None:
        self._client = client
        self._jetstream: JetStreamContext = client.jetstream(timeout=ACKNOWLEDGE_SECONDS)
        self._service = service
        self._limits = limits
        self._consumers: list[NatsConsumer] = []
        self._connecting: asyncio.Task[None] | None = None
        self._generation = 0
        self.last_error = ""

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        service: str,
        user: str | None = None,
        password: str | None = None,
        limits: StreamLimits | None = None,
        wait_seconds: float = 5.0,
    ) -> "NatsBus":
        """Return a bus, connected when the server answers within `wait_seconds`, else still trying."""
        bus = cls(Client(), service, limits or StreamLimits())
        options: dict[str, Any] = {"user": user, "password": password} if user else {}
        bus._connecting = asyncio.create_task(bus._connect(url, options))
        await asyncio.wait([bus._connecting], timeout=wait_seconds)
        return bus

    async def _connect(self, url: str, options: dict[str, Any]) -> None:
        await self._client.connect(
            servers=url.split(","),
            name=self._service,
            inbox_prefix=f"_INBOX_{self._service}".encode(),
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,  # type: ignore[arg-type] # seconds, only ever slept
            connect_timeout=2,
            ping_interval=10,
            max_outstanding_pings=2,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            **options,
        )

    async def close(self) -> None:
        """Disconnect."""
        if self._connecting is not None and not self._connecting.done():
            self._connecting.cancel()
        for consumer in self._consumers:
            await consumer.close()
        if self._client.is_connected:
            await self._client.flush()
        await self._client.close()

    async def ensure_stream(self, owner: str) -> None:
        """Make the owner's stream, or correct one that drifted from the rules."""
        wanted = api.StreamConfig(
            name=owner,
            subjects=[f"{owner}.>"],
            retention=api.RetentionPolicy.LIMITS,
            discard=api.DiscardPolicy.NEW,
            storage=api.StorageType.FILE,
            max_bytes=self._limits.max_bytes,
            max_age=self._limits.max_age_hours * 3600,
            num_replicas=self._limits.replicas,
            duplicate_window=120,
            allow_rollup_hdrs=True,
        )
        self._assert_connected()
        try:
            try:
                present = (await self._jetstream.stream_info(owner)).config
            except NotFoundError:
                await self._jetstream.add_stream(wanted)
                return
            if _drifted(present, wanted):
                log.warning("stream corrected", extra={"stream": owner})
                await self._jetstream.update_stream(wanted)
        except _FAILURES as error:
            raise self._unavailable(f"stream {owner}", error) from error

    async def stream_state(self, owner: str) -> StreamState:
        """Return the state of the owner's stream."""
        self._assert_connected()
        try:
            info = await self._jetstream.stream_info(owner)
        except _FAILURES as error:
            raise self._unavailable(f"stream {owner}", error) from error
        return StreamState(
            created_at=info.created or datetime.min.replace(tzinfo=UTC),
            first_sequence=info.state.first_seq,
            last_sequence=info.state.last_seq,
            bytes=info.state.bytes,
            max_bytes=info.config.max_bytes or 0,
        )

    async def publish(self, messages: Sequence[Outgoing]) -> list[Published | Refused]:
        """Publish a window of messages and wait for all acknowledgements; the answers are in the order given."""
        if not self._client.is_connected:
            return [Refused(self._reason("not connected"))] * len(messages)
        futures = []
        for message in messages:
            headers = {**message.headers, "Nats-Msg-Id": message.message_id}
            futures.append(
                await self._jetstream.publish_async(
                    message.subject, message.payload, wait_stall=ACKNOWLEDGE_SECONDS, headers=headers
                )
            )
        await asyncio.wait(futures, timeout=ACKNOWLEDGE_SECONDS)
        return [self._answer(future) for future in futures]

    def _answer(self, future: "asyncio.Future[api.PubAck]") -> Published | Refused:
        if not future.done():
            future.cancel()
            # a message that permissions forbid is answered by an asynchronous error only
            return Refused(self._reason(f"no acknowledgement within {ACKNOWLEDGE_SECONDS:.0f} s"))
        error = future.exception()
        if error is not None:
            return Refused(self._reason(str(error) or type(error).__name__))
        return Published(future.result().seq, duplicate=bool(future.result().duplicate))

    async def consumer(self, owner: str, name: str, subject: str, ack_wait_seconds: float = 60) -> Consumer:
        """Ensure a durable consumer of a contract's subject (all partitions) and bind to it.

        The server never gives up on a message (no max_deliver): a message that reached it would count as
        acknowledged and be lost while the database was away. Events that cannot be handled become dead letters here.
        """
        self._assert_connected()
        wanted = api.ConsumerConfig(
            durable_name=name,
            filter_subject=f"{subject}.*",
            ack_policy=api.AckPolicy.EXPLICIT,
            deliver_policy=api.DeliverPolicy.ALL,
            ack_wait=ack_wait_seconds,
            max_deliver=-1,
            max_ack_pending=1000,
        )
        try:
            try:
                present = (await self._jetstream.consumer_info(owner, name)).config
            except NotFoundError:
                present = None
            if present is None or _drifted(present, wanted):
                await self._jetstream.add_consumer(owner, wanted)
            consumer = NatsConsumer(self._client, self._jetstream, owner, name)
            await consumer.open()
        except _FAILURES as error:
            raise self._unavailable(f"consumer {name}", error) from error
        self._consumers.append(consumer)
        return consumer

    async def consumers(self, owner: str) -> list[ConsumerState]:
        """Return every durable consumer of the owner's stream."""
        self._assert_connected()
        try:
            # read first: whatever a consumer without open messages has seen, it has seen this much
            last_sequence = (await self._jetstream.stream_info(owner)).state.last_seq
            infos = await self._jetstream.consumers_info(owner)
        except _FAILURES as error:
            raise self._unavailable(f"stream {owner}", error) from error
        return [state_of(info, last_sequence) for info in infos if info.config.durable_name]

    async def purge(self, owner: str, below_sequence: int) -> None:
        """Drop the messages of the owner's stream below a sequence."""
        try:
            await self._jetstream.purge_stream(owner, seq=below_sequence)
        except _FAILURES as error:
            raise self._unavailable(f"stream {owner}", error) from error

    async def key_value(self, bucket: str) -> KeyValue:
        """Return a bucket."""
        self._assert_connected()
        return NatsKeyValue(self._jetstream, bucket, lambda: self._generation)

    async def ready(self) -> None:
        """Prove by an acknowledged publish that the bus works; raises BusUnavailable."""
        self._assert_connected()
        try:
            await self._jetstream.publish(
                f"{self._service}.canary", b"", timeout=CANARY_SECONDS, headers={"Nats-Rollup": "sub"}
            )
        except _FAILURES as error:
            raise self._unavailable("canary", error) from error

    def _assert_connected(self) -> None:
        if not self._client.is_connected:
            raise BusUnavailable(self._reason("not connected"))

    def _unavailable(self, what: str, error: BaseException) -> BusUnavailable:
        return BusUnavailable(self._reason(f"{what}: {str(error) or type(error).__name__}"))

    def _reason(self, text: str) -> str:
        return f"{text}; last error: {self.last_error}" if self.last_error else text

    async def _on_error(self, error: Exception) -> None:
        self.last_error = str(error) or type(error).__name__
        log.warning("bus error", extra={"reason": self.last_error})

    async def _on_disconnected(self) -> None:
        log.warning("bus disconnected", extra={"reason": self.last_error})

    async def _on_reconnected(self) -> None:
        self._generation += 1
        self.last_error = ""
        self._consumers = [consumer for consumer in self._consumers if not consumer.closed]
        for consumer in self._consumers:
            consumer.forget_request()
        log.info("bus reconnected")


def _drifted(present: api.Base, wanted: api.Base) -> bool:
    """Tell whether a setting that we set is another on the server."""
    return any(
        value is not None and getattr(present, name) != value
        for name, value in vars(wanted).items()
        if name not in ("name", "durable_name")
    )
