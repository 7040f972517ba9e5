"""Driving a workspace's clock through all five services: a discrete-event run."""

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from libs.common.errors import Conflict, Unavailable
from libs.common.runtime import Runtime

SERVICES = ("messaging", "journey", "segment", "profile", "identity")
STUCK_SECONDS = 60.0
_PAUSES = (0.005, 0.005, 0.01, 0.01, 0.02, 0.03)


class ServiceBacklog(msgspec.Struct):
    """What one service answers."""

    open: dict[str, int]
    activity: int
    now: datetime
    held: bool = False
    next_due: datetime | None = None
    next_due_by: str | None = None


@dataclass
class Scan:
    """One look at all five services."""

    backlogs: dict[str, ServiceBacklog]

    @property
    def open(self) -> dict[str, dict[str, int]]:
        """Return what is open, by service; empty services left out."""
        return {name: backlog.open for name, backlog in self.backlogs.items() if backlog.open}

    @property
    def activity(self) -> tuple[int, ...]:
        """Return the counters of all services: equal twice means nothing happened between."""
        return tuple(backlog.activity for backlog in self.backlogs.values())

    @property
    def latest(self) -> datetime:
        """Return the furthest clock of all services."""
        return max(backlog.now for backlog in self.backlogs.values())

    @property
    def is_torn(self) -> bool:
        """Return whether a move of the clock was broken off: clocks differ, or one is still held."""
        return len({b.now for b in self.backlogs.values()}) > 1 or any(b.held for b in self.backlogs.values())

    @property
    def next_due(self) -> datetime | None:
        """Return the earliest instant at which any service has work."""
        return min((b.next_due for b in self.backlogs.values() if b.next_due is not None), default=None)


@dataclass
class ClockDriver:
    """Drives the clocks of all workspaces of this process; one run a workspace at a time."""

    runtime: Runtime[Any]
    _locks: dict[int, asyncio.Lock] = field(default_factory=dict)
    _quiet: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """the counters of the last look that found nothing open"""

    async def scan(self, workspace_id: int) -> Scan:
        """Ask every service what is open."""
        return Scan(await self._backlogs(workspace_id, SERVICES))

    async def _backlogs(self, workspace_id: int, services: Collection[str]) -> dict[str, ServiceBacklog]:
        answers = await asyncio.gather(
            *(
                self.runtime.peers.get(service, f"/v1/{service}/backlog", workspace_id, ServiceBacklog)
                for service in services
            )
        )
        return dict(zip(services, answers, strict=True))

    async def drain(self, workspace_id: int, scan: Scan | None = None) -> Scan:
        """Wait until two looks in a row find nothing open and nothing done between them.

        `scan` is a look just made. Raises Unavailable naming what is open when nothing moves for a minute.
        """
        before = self._quiet.get(workspace_id)
        scan = scan or await self.scan(workspace_id)
        while scan.open or scan.activity != before:
            before = scan.activity
            if scan.open:
                await self._until_closed(workspace_id, scan)
            scan = await self.scan(workspace_id)
        self._quiet[workspace_id] = scan.activity
        return scan

    async def _until_closed(self, workspace_id: int, scan: Scan) -> None:
        """Ask only the services that had something open, until they have not: looking costs what working needs."""
        waiting = {service: scan.backlogs[service].activity for service in scan.open}
        opened: dict[str, dict[str, int]] = scan.open
        moved = time.monotonic()
        for turn in range(1 << 30):
            await asyncio.sleep(_PAUSES[min(turn, len(_PAUSES) - 1)])
            answers = await self._backlogs(workspace_id, list(waiting))
            opened = {service: backlog.open for service, backlog in answers.items() if backlog.open}
            activity = {service: answers[service].activity for service in opened}
            if not opened:
                return
            if activity != waiting:
                moved = time.monotonic()
            elif time.monotonic() - moved > STUCK_SECONDS:
                raise Unavailable(f"nothing moves, and this is open: {opened}")
            waiting = activity

    async def advance(self, workspace_id: int, until: datetime, step: timedelta) -> int:
        """Go from due instant to due instant up to `until`, draining at each; return how many instants there were.

        With `step` > 0 instants within a step are done together at its end.
        """
        lock = self._locks.setdefault(workspace_id, asyncio.Lock())
        if lock.locked():
            raise Conflict("this workspace's clock is being advanced; wait for that call to answer")
        async with lock:
            hops = 0
            scan = await self.drain(workspace_id, await self.mend(workspace_id))
            now = scan.latest
            while now < until:
                due = scan.next_due
                target = until if due is None else min(until, max(due, now + step))
                # work that is due and yet not open would stand still for ever: let a microsecond pass
                now = target if target > now else min(until, now + timedelta(microseconds=1))
                await self._put(workspace_id, now, held=True)
                scan = await self.drain(workspace_id, await self._put(workspace_id, now, held=False))
                hops += 1
            return hops

    def may_mend(self, workspace_id: int) -> bool:
        """Return whether the clock is driven and nobody is moving it right now."""
        lock = self._locks.get(workspace_id)
        return self.runtime.is_driven(workspace_id) and (lock is None or not lock.locked())

    async def mend(self, workspace_id: int) -> Scan:
        """Finish a move that a service's death broke off, else what is held would stay open for ever."""
        scan = await self.scan(workspace_id)
        if not scan.is_torn:
            return scan
        await self._put(workspace_id, scan.latest, held=True)
        return await self._put(workspace_id, scan.latest, held=False)

    async def _put(self, workspace_id: int, now: datetime, *, held: bool) -> Scan:
        """Put the clock in all services at once; with `held` nothing falls due until all have it."""
        answers = await asyncio.gather(
            *(
                self.runtime.peers.put(
                    service, f"/v1/{service}/clock", workspace_id, {"now": now, "held": held}, ServiceBacklog
                )
                for service in SERVICES
            )
        )
        return Scan(dict(zip(SERVICES, answers, strict=True)))
