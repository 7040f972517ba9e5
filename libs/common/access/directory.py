"""Every service's own picture of workspaces, sources and keys, kept current by the bus."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable
from contextvars import Context
from datetime import datetime

import msgspec

from libs.common.access.keys import key_hash
from libs.common.access.model import AccessRecord, ApiKey, Source, Workspace
from libs.common.errors import Unavailable
from libs.common.personal import Sealer, Vault

WRITE_KEY_GRACE_SECONDS = 600.0
SECRET_KEY_GRACE_SECONDS = 60.0
_MISS_SECONDS = 1.0
_LAG_SECONDS = (0.05, 0.15)
_ON_ITS_WAY_SECONDS = 1.0

Fetch = Callable[[str], Awaitable[AccessRecord | None]]


def record_name(record: AccessRecord) -> str:
    """Return the name a record travels under: workspace.<id>, source.<id>, key.<hash>."""
    if isinstance(record, Workspace):
        return f"workspace.{record.workspace_id}"
    if isinstance(record, Source):
        return f"source.{record.source_id}"
    return f"key.{record.hash.hex()}"


def _latest_clock(newest: Workspace, *others: Workspace | None) -> Workspace:
    """Return the newest record with the latest clock: a record on its way does not turn a driven clock back."""
    clocks = [w.driven_now for w in (newest, *others) if w is not None and w.driven_now is not None]
    return msgspec.structs.replace(newest, driven_now=max(clocks)) if clocks else newest


class Directory:
    """Workspaces, sources and keys in memory.

    `put` is called for every record heard; a record unknown here is asked for once (`fetch`), so that a key works at
    once after it was made. When nothing was heard for longer than the grace, keys stop working: a revocation may have
    been missed.
    """

    def __init__(self, vault: Vault, fetch: Fetch | None = None) -> None:
        self._vault = vault
        self.fetch = fetch
        self._workspaces: dict[int, Workspace] = {}
        self._workspace_by_key: dict[str, int] = {}
        self._sources: dict[int, Source] = {}
        self._keys: dict[bytes, ApiKey] = {}
        self._sealers: dict[int, tuple[dict[str, str], Sealer]] = {}
        self._misses: dict[str, float] = {}
        self._asked: dict[str, asyncio.Task[None]] = {}
        self._heard = time.monotonic()
        self.changed = asyncio.Event()

    def heard(self) -> None:
        """Note that the bus was reached just now."""
        self._heard = time.monotonic()

    @property
    def silent_seconds(self) -> float:
        """Return for how long nothing proved that this picture is current."""
        return time.monotonic() - self._heard

    def put(self, record: AccessRecord) -> None:
        """Take a record over unless a newer version is known."""
        if isinstance(record, Workspace):
            known = self._workspaces.get(record.workspace_id)
            # of one version there is one content; only a driven clock goes on within it
            newest = record if known is None or record.version > known.version else known
            if known is None or record.version >= known.version:
                self._workspaces[record.workspace_id] = _latest_clock(newest, record, known)
                self._workspace_by_key[newest.key] = record.workspace_id
        elif isinstance(record, Source):
            source = self._sources.get(record.source_id)
            if source is None or record.version > source.version:
                self._sources[record.source_id] = record
        else:
            key = self._keys.get(record.hash)
            if key is None or record.version > key.version:
                self._keys[record.hash] = record
        self._misses.pop(record_name(record), None)
        self.changed.set()

    def workspaces(self) -> list[Workspace]:
        """Return every workspace known, by number."""
        return [self._workspaces[number] for number in sorted(self._workspaces)]

    def workspace(self, workspace_id: int) -> Workspace | None:
        """Return a workspace by its number."""
        return self._workspaces.get(workspace_id)

    def workspace_named(self, key: str) -> Workspace | None:
        """Return a workspace by its short name or its number as text."""
        if key.isdecimal():
            return self._workspaces.get(int(key))
        return self._workspaces.get(self._workspace_by_key.get(key, 0))

    async def find_workspace(self, key: str) -> Workspace | None:
        """Return a workspace by its short name or number; one made just now may still be on its way here."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ON_ITS_WAY_SECONDS):
                while self.workspace_named(key) is None:
                    self.changed.clear()
                    await self.changed.wait()
        return self.workspace_named(key)

    def source(self, source_id: int) -> Source | None:
        """Return a source by its number."""
        return self._sources.get(source_id)

    def sources(self, workspace_id: int) -> list[Source]:
        """Return a workspace's sources, by number."""
        return [s for _, s in sorted(self._sources.items()) if s.workspace_id == workspace_id]

    def key(self, text: str, now: datetime) -> ApiKey | None:
        """Return a key valid at `now` (wall time), or None (unknown, expired, revoked); Unavailable after the grace."""
        record = self._keys.get(key_hash(text))
        if record is None or record.revoked_at is not None:
            return None
        if record.expires_at is not None and record.expires_at <= now:
            return None
        grace = WRITE_KEY_GRACE_SECONDS if record.kind == "write" else SECRET_KEY_GRACE_SECONDS
        if self.silent_seconds > grace:
            raise Unavailable(
                "keys cannot be checked: the bus has been out of reach for too long", retry_after_seconds=5
            )
        return record

    def source_of_write_key(self, text: str, now: datetime) -> Source | None:
        """Return the source a write key belongs to, when both are in force."""
        record = self.key(text, now)
        if record is None or record.kind != "write":
            return None
        source = self._sources.get(record.source_id)
        workspace = self._workspaces.get(record.workspace_id)
        if source is None or not source.enabled or workspace is None or workspace.status != "active":
            return None
        return source

    async def ensure_key(self, text: str) -> None:
        """Ask for a key (and its source and workspace) that is not known yet."""
        name = f"key.{key_hash(text).hex()}"
        if key_hash(text) not in self._keys:
            await self._ask(name)
        record = self._keys.get(key_hash(text))
        if record is not None and record.source_id and record.source_id not in self._sources:
            await self._ask(f"source.{record.source_id}")
        if record is not None and record.workspace_id:
            await self.ensure_workspaces([record.workspace_id])

    async def ensure_workspaces(self, workspace_ids: Iterable[int]) -> None:
        """Ask for the workspaces that are not known yet."""
        for workspace_id in workspace_ids:
            if workspace_id and workspace_id not in self._workspaces:
                await self._ask(f"workspace.{workspace_id}")

    async def _ask(self, name: str) -> None:
        """Ask for a record; who needs one that is being asked for waits for the same answer."""
        asking = self._asked.get(name)
        if asking is None:
            if self.fetch is None or self._misses.get(name, 0.0) > time.monotonic():
                return
            # a context of its own: the asker's transaction is not the fetch's, which may outlive it
            asking = asyncio.create_task(self._fetch(self.fetch, name), context=Context())
            self._asked[name] = asking
        await asyncio.shield(asking)

    async def _fetch(self, fetch: Fetch, name: str) -> None:
        try:
            for pause in (*_LAG_SECONDS, None):
                record = await fetch(name)
                if record is not None:
                    self.put(record)
                    return
                # a record just made is on its way into the bucket
                if pause is not None:
                    await asyncio.sleep(pause)
            if len(self._misses) > 10_000:
                self._misses.clear()
            self._misses[name] = time.monotonic() + _MISS_SECONDS
        finally:
            del self._asked[name]

    def sealer(self, workspace_id: int) -> Sealer:
        """Return the codec of a workspace's personal data."""
        workspace = self._workspaces.get(workspace_id)
        if workspace is None:
            raise Unavailable(f"workspace {workspace_id} is not known here yet", retry_after_seconds=1)
        cached = self._sealers.get(workspace_id)
        if cached is None or cached[0] != workspace.data_keys:
            cached = (workspace.data_keys, self._vault.sealer(workspace.data_keys))
            self._sealers[workspace_id] = cached
        return cached[1]
