"""The ways to the engine of the columnar store: each runs one call at a time, in a thread of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from clickhouse_connect.driver.client import Client

from libs.common.errors import Unavailable

R = TypeVar("R")
HANDLES = 2
"""So many statements run at once: to analyse one takes a single thread, and as long as its rows take."""


@dataclass(frozen=True, slots=True)
class _Handle:
    client: Client
    thread: ThreadPoolExecutor


class Handles:
    """Gives a call the handle that is free, or lets it wait its turn."""

    def __init__(self) -> None:
        self._free: asyncio.LifoQueue[_Handle] = asyncio.LifoQueue()
        self._opened = 0
        self._is_closed = False

    @classmethod
    async def open(cls, connect: Callable[[], Client]) -> "Handles":
        """Connect each handle in its thread; none stays open where one cannot be."""
        handles, loop = cls(), asyncio.get_running_loop()
        try:
            for number in range(HANDLES):
                thread = ThreadPoolExecutor(1, thread_name_prefix=f"columnar-{number}")
                client = await loop.run_in_executor(thread, connect)
                handles._free.put_nowait(_Handle(client, thread))
                handles._opened += 1
        except BaseException:
            await handles.close()
            raise
        return handles

    async def run(self, call: Callable[[Client], R], *, to_the_end: bool) -> R:
        """Run a call; Unavailable once all is being closed.

        Whoever stops waiting leaves the thread at it, and the handle is free when it has done; where what it does has
        to be over by then, `to_the_end`.
        """
        if self._is_closed:
            raise Unavailable("the columnar store is being closed", retry_after_seconds=5)
        loop, handle = asyncio.get_running_loop(), await self._free.get()
        done = handle.thread.submit(call, handle.client)
        done.add_done_callback(lambda _: self._give_back(loop, handle))
        answer = asyncio.wrap_future(done)
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            if to_the_end:
                await asyncio.wait([answer])
            raise

    def _give_back(self, loop: asyncio.AbstractEventLoop, handle: _Handle) -> None:
        # a loop that has ended needs no handle
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._free.put_nowait, handle)

    async def close(self) -> None:
        """Close each handle when what runs over it has ended."""
        loop, self._is_closed = asyncio.get_running_loop(), True
        for _ in range(self._opened):
            handle = await self._free.get()
            await loop.run_in_executor(handle.thread, handle.client.close)
            handle.thread.shutdown()
        self._opened = 0
