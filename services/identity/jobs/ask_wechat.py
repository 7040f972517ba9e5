"""Whom WeChat and WeCom know better: each follower and contact is asked about once."""

import logging
from datetime import timedelta
from typing import Any

from libs.common.clock import wall_now
from libs.common.errors import Problem, Unavailable
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.identity.domain.heard_calls import posting_of
from services.identity.domain.webhook import Heard, Known, WebhookKind, WebhookSettings
from services.identity.store import enquiries, webhooks
from services.identity.store.enquiries import Claim
from services.identity.usecases.open_months import open_months
from services.identity.usecases.settle_enquiry import settle_enquiry

log = logging.getLogger(__name__)

BATCH = 20
TRIES = 12
"""With pauses that double up to an hour this is most of a day."""


async def run(runtime: Runtime[Any]) -> int:
    """Ask about a few ids; return how many were in hand."""
    async with runtime.worker_database.transaction([]) as tx:
        claims = await enquiries.claim(tx, BATCH, wall_now())
    for one in claims:
        await _ask(runtime, one)
    return len(claims)


async def _ask(runtime: Runtime[Any], one: Claim) -> None:
    sealer = runtime.sealer(one.workspace_id)
    async with runtime.worker_database.transaction(one.workspace_id) as tx:
        asked = await enquiries.read(tx, one, sealer)
        settings = await webhooks.read(tx, one.workspace_id, one.source_id, sealer)
    kind = runtime.parts.webhooks.get(settings.kind) if settings else None
    if asked is None or settings is None or kind is None or kind.told is None:
        await _settle(runtime, one, "given_up", "the source asks no more")
        return
    value, tries = asked
    try:
        known = await runtime.parts.wechat.known_of(settings, value)
    except Problem as problem:
        can_wait = isinstance(problem, Unavailable) and tries + 1 < TRIES
        log.warning("a question to another system failed", extra={"source": one.source_id, "why": problem.detail})
        pause = timedelta(seconds=min(3600, 5 * 2**tries)) if can_wait else None
        await _settle(runtime, one, "waiting" if can_wait else "given_up", problem.code or problem.title, pause)
        return
    await _tell(runtime, one, kind, settings, known)


async def _settle(runtime: Runtime[Any], one: Claim, state: str, reason: str, pause: timedelta | None = None) -> None:
    now = wall_now()
    async with runtime.worker_database.transaction(one.workspace_id) as tx:
        await enquiries.settle(
            tx, one, state=state, reason=reason, now=now, due_at=now + pause if pause is not None else None
        )


async def _tell(runtime: Runtime[Any], one: Claim, kind: WebhookKind, settings: WebhookSettings, known: Known) -> None:
    now = runtime.now(one.workspace_id)
    source = runtime.directory.source(one.source_id)
    calls = kind.told(known, settings, now) if kind.told is not None else ()
    if source is None:
        await _settle(runtime, one, "given_up", "its source is gone")
        return
    async with runtime.worker_database.transaction([]) as tx:
        await open_months(tx, [now])
    async with runtime.worker_database.transaction(one.workspace_id) as tx:
        await settle_enquiry(
            tx,
            one,
            posting_of(source, Heard(calls=calls), size=0),
            now=now,
            wall=wall_now(),
            sealer=runtime.sealer,
            plans=runtime.parts.plans,
            is_driven=runtime.is_driven(one.workspace_id),
        )
        tx.after_commit(lambda: runtime.wake("resolve_events"))


async def open_enquiries(runtime: Runtime[Any], workspace_id: int) -> int:
    """Return how many ids of a workspace are due to be asked about or in hand."""
    async with runtime.worker_database.transaction([]) as tx:
        return await enquiries.waiting(tx, workspace_id, wall_now())


job = Job(name="ask_wechat", run=run, open=open_enquiries, idle_seconds=2.0)
