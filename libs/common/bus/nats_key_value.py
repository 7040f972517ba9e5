"""A bucket over JetStream's key-value store."""

import asyncio
from collections.abc import AsyncIterator, Callable

import nats.errors
from nats.js.api import KeyValueConfig
from nats.js.client import JetStreamContext
from nats.js.errors import BucketNotFoundError, KeyNotFoundError
from nats.js.errors import Error as JetStreamError
from nats.js.kv import KeyValue as NatsBucket

from libs.common.bus.port import BusUnavailable

_ABSENT_POLL_SECONDS = 0.2
_MAX_BYTES = 64 * 2**20


class NatsKeyValue:
    """A bucket that may not exist yet: reads find nothing in it, the first put makes it."""

    def __init__(self, jetstream: JetStreamContext, bucket: str, generation: Callable[[], int]) -> None:
        self._jetstream = jetstream
        self._name = bucket
        self._generation = generation
        self._bucket: NatsBucket | None = None

    async def get(self, key: str) -> bytes | None:
        """Return a value; None when there is none. Raises BusUnavailable."""
        try:
            bucket = await self._open()
            return (await bucket.get(key)).value if bucket is not None else None
        except KeyNotFoundError:
            return None
        except (JetStreamError, nats.errors.Error, TimeoutError) as error:
            self._bucket = None
            raise BusUnavailable(f"bucket {self._name} does not answer: {error!r}") from error

    async def put(self, key: str, value: bytes) -> None:
        """Set a value."""
        try:
            bucket = await self._open()
            if bucket is None:
                config = KeyValueConfig(bucket=self._name, history=1, max_bytes=_MAX_BYTES, direct=True)
                self._bucket = bucket = await self._jetstream.create_key_value(config)
            await bucket.put(key, value)
        except (JetStreamError, nats.errors.Error, TimeoutError) as error:
            self._bucket = None
            raise BusUnavailable(f"bucket {self._name} did not take a value: {error!r}") from error

    async def watch(self) -> AsyncIterator[tuple[str, bytes | None]]:
        """Yield every value there is, then every change (None: deleted); after a reconnect all of them once more."""
        while True:
            generation = self._generation()
            self._bucket = None
            bucket = await self._open()
            if bucket is None:
                await asyncio.sleep(_ABSENT_POLL_SECONDS)
                continue
            watcher = await bucket.watchall()
            try:
                while generation == self._generation():
                    try:
                        entry = await watcher.updates(timeout=1)  # type: ignore[no-untyped-call]
                    except nats.errors.TimeoutError:
                        continue
                    if entry is not None:
                        yield entry.key, None if entry.operation else entry.value
            finally:
                if not self._jetstream._nc.is_closed:  # noqa: SLF001 - nats-py gives no other way to ask
                    await watcher.stop()  # type: ignore[no-untyped-call]

    async def _open(self) -> NatsBucket | None:
        if self._bucket is None:
            try:
                self._bucket = await self._jetstream.key_value(self._name)
            except BucketNotFoundError:
                return None
        return self._bucket
