"""Handoffs without an answer: their lease ran out, so the process that made them is gone or hangs."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from libs.common.errors import Problem
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.messaging.clients.parts import Parts
from services.messaging.domain.channel import Found
from services.messaging.store.queue import Claim, claim_due, outstanding
from services.messaging.usecases.resolve_handoffs import Pending, resolve_handoffs, take_stock

CLAIM_SECONDS = 30.0
BATCH = 500
log = logging.getLogger(__name__)


async def run(runtime: Runtime[Parts]) -> int:
    """Resolve one batch over all workspaces."""
    async with runtime.worker_database.transaction(()) as tx:
        by_workspace: dict[int, list[Claim]] = defaultdict(list)
        for claim in await claim_due(tx, step="handoff", size=BATCH, lease_seconds=CLAIM_SECONDS):
            by_workspace[claim.workspace_id].append(claim)
        if not by_workspace:
            return 0
        await tx.see(by_workspace)
        stock = {number: await take_stock(tx, number, claims) for number, claims in by_workspace.items()}
    return sum(await asyncio.gather(*(_resolve(runtime, number, pending) for number, pending in stock.items())))


async def _resolve(runtime: Runtime[Parts], workspace_id: int, pending: Sequence[Pending]) -> int:
    if not pending:
        return 0
    found = await _ask(runtime.parts, pending)
    capabilities = {name: channel.capabilities for name, channel in runtime.parts.channels.items()}
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return await resolve_handoffs(tx, workspace_id, pending, found, capabilities=capabilities)


async def _ask(parts: Parts, pending: Sequence[Pending]) -> dict[str, Found | None]:
    """Return what the providers know, None where one could not be asked now."""
    found: dict[str, Found | None] = {}
    for name in {p.handoff.channel for p in pending}:
        ids = [p.handoff.message_id for p in pending if p.handoff.channel == name]
        channel = parts.channels.get(name)
        if channel is None or not channel.capabilities.can_poll:
            found.update(dict.fromkeys(ids, "unknown"))
            continue
        try:
            found.update(await channel.poll(ids))
        except Problem as problem:
            log.warning("a provider cannot be asked", extra={"channel": name, "why": problem.detail})
            found.update(dict.fromkeys(ids, None))
    return found


async def _open(runtime: Runtime[Parts], workspace_id: int) -> int:
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return (await outstanding(tx, workspace_id, runtime.now(workspace_id))).due["handoff"]


async def _next_due(runtime: Runtime[Parts], workspace_id: int) -> datetime | None:
    del runtime, workspace_id  # a lease is real time: no driven clock waits for it
    return None


job = Job(name="resolve_handoffs", run=run, next_due=_next_due, open=_open, idle_seconds=1.0)
