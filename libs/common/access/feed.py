"""Keeping the directory current: the projection at start, the bus's `access` bucket from then on."""

import asyncio
import logging

import msgspec

from libs.common.access.directory import Directory
from libs.common.access.model import AccessRecord, ApiKey, Source, Workspace
from libs.common.access.projection import load_records, save_record
from libs.common.bus import Bus
from libs.common.db import Database

log = logging.getLogger(__name__)

BUCKET = "access"
HEARTBEAT_SECONDS = 10.0
_RETRY_SECONDS = 0.5


def decode_record(payload: bytes) -> AccessRecord:
    """Return the record in a bucket's value."""
    return msgspec.json.decode(payload, type=Workspace | Source | ApiKey)


class AccessFeed:
    """Loads the projection, then follows the bucket until stopped."""

    def __init__(self, database: Database, bus: Bus, directory: Directory) -> None:
        self._database = database
        self._bus = bus
        self._directory = directory
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Load what is known, then follow."""
        async with self._database.transaction(()) as tx:
            for record in await load_records(tx):
                self._directory.put(record)
        self._directory.fetch = self.fetch
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._beat())]

    async def stop(self) -> None:
        """End following."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def fetch(self, name: str) -> AccessRecord | None:
        """Ask the bucket for one record and keep it."""
        try:
            payload = await (await self._bus.key_value(BUCKET)).get(name)
        except Exception:  # noqa: BLE001 - an unreachable bus means "not known", the grace rules decide the rest
            log.warning("the access bucket does not answer", extra={"record": name})
            return None
        return await self._take(payload) if payload is not None else None

    async def _take(self, payload: bytes) -> AccessRecord:
        record = decode_record(payload)
        async with self._database.transaction(()) as tx:
            await save_record(tx, record)
        self._directory.put(record)
        return record

    async def _follow(self) -> None:
        while True:
            try:
                bucket = await self._bus.key_value(BUCKET)
                async for _name, payload in bucket.watch():
                    self._directory.heard()
                    if payload is not None:
                        await self._take(payload)
            except asyncio.CancelledError:
                raise
            except Exception:  # noqa: BLE001 - following goes on whatever happened to the connection
                log.warning("the access bucket is out of reach; following again soon")
                await asyncio.sleep(_RETRY_SECONDS)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                await (await self._bus.key_value(BUCKET)).get("heartbeat")
                self._directory.heard()
            except Exception:  # noqa: BLE001 - silence is what the grace measures
                log.debug("no heartbeat from the access bucket")
