"""Work that time brings: claim, do, settle loops, woken early when something was committed for them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from libs.common.errors import Unavailable
from libs.common.idle import idle_pause

if TYPE_CHECKING:
    from libs.common.bus.inbox import DeadLetter
    from libs.common.db import Tx
    from libs.common.runtime import Runtime

log = logging.getLogger(__name__)

MAX_PAUSE_SECONDS = 10.0


@dataclass(frozen=True)
class Job:
    """One loop of a service.

    `run` does one round over all workspaces and returns how many things it did; it is called again at once while that
    is more than 0. `next_due` answers the earliest instant after now at which a workspace has work, `open` how much is
    due and not done, up to the commit that did it (without it nobody waits for the job): both serve the driven clock.
    `oldest` answers the arrival time of the oldest thing received and not yet applied (None: nothing waits): a job that
    stands between arrival and the outbox says it, for the watermark.
    `replay` takes a dead letter of this job (consumer `<service>-<name>`) in hand again, in the given transaction.
    """

    name: str
    run: Callable[["Runtime[Any]"], Awaitable[int]]
    next_due: Callable[["Runtime[Any]", int], Awaitable[datetime | None]] | None = None
    open: Callable[["Runtime[Any]", int], Awaitable[int]] | None = None
    oldest: Callable[["Runtime[Any]", int], Awaitable[datetime | None]] | None = None
    replay: Callable[["Tx", "DeadLetter", "Runtime[Any]"], Awaitable[None]] | None = None
    idle_seconds: float = 0.5
    """The pause after a round that found nothing; the next ones are longer, up to libs.common.idle."""
    workers: int = 1


class JobLoop:
    """Runs one job until stopped; an error is logged and retried with a growing pause."""

    def __init__(self, job: Job, runtime: "Runtime[Any]") -> None:
        self.job = job
        self.runtime = runtime
        self.wakened = asyncio.Event()
        self.done_total = 0
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        self._tasks = [
            asyncio.create_task(self._loop(), name=f"job {self.job.name} {number}")
            for number in range(self.job.workers)
        ]

    def wake(self) -> None:
        """Look for work now instead of at the end of the pause."""
        self.wakened.set()

    async def stop(self) -> None:
        """Let the present round finish, then end."""
        self._stopping = True
        self.wakened.set()
        for task in self._tasks:
            await task

    async def _round(self) -> int:
        done = await self.job.run(self.runtime)
        self.done_total += done
        return done

    async def _loop(self) -> None:
        failures = empty = 0
        while not self._stopping:
            self.wakened.clear()
            try:
                done = await self._round()
                failures = 0
            except Unavailable as problem:
                failures += 1
                done = 0
                log.warning("job waits", extra={"job": self.job.name, "why": problem.detail})
            except Exception:
                failures += 1
                done = 0
                log.exception("job failed; it will be tried again", extra={"job": self.job.name})
            if done and not failures:
                empty = 0
                await asyncio.sleep(0)
                continue
            pause = min(self.job.idle_seconds * 2**failures, MAX_PAUSE_SECONDS)
            try:
                await asyncio.wait_for(self.wakened.wait(), pause if failures else idle_pause(pause, empty))
                empty = 0
            except TimeoutError:
                empty += 1
