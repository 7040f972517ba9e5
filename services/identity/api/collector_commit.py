"""Group commit: requests that wait at the same time share one transaction."""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from libs.common.errors import TooMany, Unavailable
from libs.common.runtime import Runtime
from services.identity.api.collector_memory import Memory, full
from services.identity.domain.learned import Learned
from services.identity.domain.posting import Posting, Receipt
from services.identity.usecases.learn_names import learn_names
from services.identity.usecases.open_months import open_months
from services.identity.usecases.take_postings import take_postings

log = logging.getLogger(__name__)

GROUP_CALLS = 2_000
"""Calls in one transaction at most: beyond it a larger group no longer costs less per call."""
GROUP_BYTES = 4 * 1024 * 1024
"""Bytes in one transaction at most: its rows stand in memory several times over."""
QUEUE_CALLS = 20_000
"""Calls that may wait."""
MEMORY_BYTES = 32 * 1024 * 1024
"""Bytes in hand, from the first one read to the commit; a request beyond them is answered 503."""
CATALOGUE_SECONDS = 2.0
COMMITTERS = 2
"""Transactions in flight: while one waits for the disk the next one is written."""


@dataclass(slots=True)
class _Waiting:
    posting: Posting
    done: "asyncio.Future[Receipt]"

    @property
    def calls(self) -> int:
        return max(1, self.posting.posted)


class GroupCommit:
    """Collects postings and commits them in groups; a posting's future is set after its commit, never before."""

    def __init__(self, runtime: Runtime[Any]) -> None:
        self._runtime = runtime
        self._waiting: deque[_Waiting] = deque()
        self._waiting_calls = 0
        self.memory = Memory(MEMORY_BYTES)
        self._tasks: set[asyncio.Task[None]] = set()
        self._committing = 0
        self._months: set[tuple[int, int]] = set()
        self._learned = Learned()
        self._tell_after = 0.0
        self._teller: asyncio.Task[None] | None = None
        self._allowance: dict[int, tuple[float, float]] = {}

    def admit(self) -> None:
        """Refuse a request while the queue is full; raises Unavailable."""
        if self._waiting_calls >= QUEUE_CALLS:
            raise full()

    def spend(self, posting: Posting) -> None:
        """Take a posting off its source's quota; raises TooMany. A burst of two seconds' worth is allowed."""
        quota = posting.source.quota_per_second
        if not quota:
            return
        now = asyncio.get_running_loop().time()
        left, since = self._allowance.get(posting.source.source_id, (2.0 * quota, now))
        left = min(2.0 * quota, left + (now - since) * quota)
        if left < min(posting.posted, quota):
            self._allowance[posting.source.source_id] = (left, now)
            wait = (posting.posted - left) / quota
            raise TooMany(f"this source may send {quota} events a second", code="quota", retry_after_seconds=wait)
        self._allowance[posting.source.source_id] = (left - posting.posted, now)

    async def submit(self, posting: Posting) -> Receipt:
        """Return the receipt of a posting once it is durable; until then its bytes are in hand."""
        self.admit()
        self.memory.take(posting.size)
        waiting = _Waiting(posting, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._waiting_calls += waiting.calls
        if self._committing < COMMITTERS:
            self._committing += 1
            task = asyncio.create_task(self._commit_all(), name="collector group commit")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await waiting.done

    async def _commit_all(self) -> None:
        try:
            while self._waiting:
                # One turn of the loop lets the requests that are already here join this group.
                await asyncio.sleep(0)
                if group := self._next_group():
                    try:
                        await self._commit(group)
                    finally:
                        self.memory.give_back(sum(waiting.posting.size for waiting in group))
        finally:
            # In the turn that found nothing waiting, not when the task is gone: whoever comes next would count on it.
            self._committing -= 1
        await self.tell_catalogue()

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        calls = size = 0
        while self._waiting:
            waiting = self._waiting[0]
            calls += waiting.calls
            size += waiting.posting.size
            if group and (calls > GROUP_CALLS or size > GROUP_BYTES):
                break
            self._waiting_calls -= waiting.calls
            group.append(self._waiting.popleft())
        return group

    async def _commit(self, group: list[_Waiting]) -> None:
        try:
            receipts = await self._take([waiting.posting for waiting in group])
        except Exception as error:
            if len(group) > 1 and not _is_away(error):
                # One request that the database will not have must not cost the others theirs.
                half = len(group) // 2
                await self._commit(group[:half])
                await self._commit(group[half:])
                return
            log.exception("events could not be stored")
            for waiting in group:
                if not waiting.done.done():
                    waiting.done.set_exception(
                        Unavailable("the events could not be stored; send them again", retry_after_seconds=2)
                    )
            return
        for waiting, receipt in zip(group, receipts, strict=True):
            if not waiting.done.done():
                waiting.done.set_result(receipt)

    async def _take(self, postings: list[Posting]) -> list[Receipt]:
        runtime = self._runtime
        workspaces = {posting.source.workspace_id for posting in postings}
        now = {workspace_id: runtime.now(workspace_id) for workspace_id in workspaces}
        await self._open_months(now.values())
        async with runtime.database.transaction(sorted(workspaces)) as tx:
            receipts = await take_postings(
                tx,
                postings,
                now=now,
                driven=frozenset(each for each in workspaces if runtime.is_driven(each)),
                sealer=runtime.sealer,
                plans=runtime.parts.plans,
            )
        runtime.wake("resolve_events")
        for posting in postings:
            for call in posting.calls:
                self._learned.note(posting.source.workspace_id, call)
        return receipts

    async def tell_catalogue(self) -> None:
        """Save the names learned; at most every few seconds, since a catalogue that lags a little misleads nobody."""
        if asyncio.get_running_loop().time() >= self._tell_after:
            await self._tell()
        elif self._teller is None or self._teller.done():
            self._teller = asyncio.create_task(self._tell_later(), name="collector catalogue")

    async def _tell_later(self) -> None:
        """Save what the last calls taught, whether or not others follow."""
        while len(self._learned):
            await asyncio.sleep(max(0.0, self._tell_after - asyncio.get_running_loop().time()))
            await self._tell()

    async def _tell(self) -> None:
        self._tell_after = asyncio.get_running_loop().time() + CATALOGUE_SECONDS
        learned = list(self._learned.drain())
        workspaces = sorted({entry.workspace_id for entry, _, _ in learned})
        try:
            async with self._runtime.database.transaction(workspaces) as tx:
                await learn_names(tx, learned, self._runtime.clock.now())
        except Exception:  # what was not learned now is learned with the next calls
            log.warning("the catalogue could not be written", exc_info=True)

    async def _open_months(self, instants: Any) -> None:
        unknown = {(instant.year, instant.month): instant for instant in instants}
        missing: list[datetime] = [instant for month, instant in unknown.items() if month not in self._months]
        if missing:
            async with self._runtime.database.transaction([]) as tx:
                await open_months(tx, missing)
            self._months.update(unknown)


def _is_away(error: Exception) -> bool:
    return isinstance(error, (OSError, TimeoutError)) or bool(getattr(error, "connection_invalidated", False))
