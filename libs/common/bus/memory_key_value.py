"""A bucket of the bus in memory."""

import asyncio
from collections.abc import AsyncIterator


class MemoryKeyValue:
    """A bucket in memory."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}
        self._watchers: list[asyncio.Queue[tuple[str, bytes | None]]] = []

    async def get(self, key: str) -> bytes | None:
        """Return a value; None when there is none."""
        return self._values.get(key)

    async def put(self, key: str, value: bytes) -> None:
        """Set a value."""
        self._values[key] = value
        for watcher in self._watchers:
            watcher.put_nowait((key, value))

    async def watch(self) -> AsyncIterator[tuple[str, bytes | None]]:
        """Yield every value there is, then every change."""
        queue: asyncio.Queue[tuple[str, bytes | None]] = asyncio.Queue()
        for item in self._values.items():
            queue.put_nowait(item)
        self._watchers.append(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._watchers.remove(queue)
