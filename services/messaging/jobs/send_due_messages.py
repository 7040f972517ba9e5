"""Claim what is due, ask profile, decide, hand over, settle: at most once, and never on an old consent."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from libs.common.errors import Problem
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from libs.common.watermark import PATIENCE_SECONDS, count_late, watermark_of
from services.messaging.clients.parts import Parts
from services.messaging.clients.profile import ask_reach, reach_of
from services.messaging.domain.channel import Capabilities, Channel, NotBegun, Outcome, Outgoing, Refused
from services.messaging.domain.provider_errors import CanonicalError
from services.messaging.domain.template import Part, Rendering
from services.messaging.store.intents import StoredIntent
from services.messaging.store.queue import Claim, outstanding, release
from services.messaging.usecases.claim_intents import Work, claim_intents
from services.messaging.usecases.decide_intents import decide_intents
from services.messaging.usecases.draft_messages import (
    Draft,
    Surroundings,
    draft_messages,
    finish_message,
    outgoing,
    traits_wanted,
)
from services.messaging.usecases.postpone_intents import postpone_intents
from services.messaging.usecases.prepared import Prepared
from services.messaging.usecases.settle_handoffs import Ended, settle_outcomes

CLAIM_SECONDS = 60.0
AWAY_PAUSE_SECONDS = 2.0
WATERMARK_PAUSE_SECONDS = 0.05
log = logging.getLogger(__name__)


async def run(runtime: Runtime[Parts]) -> int:
    """Do one round over all workspaces; return how many intents were decided or handed over."""
    # Before the claim reads the unsubscriptions held here: what is withdrawn after that, the lease covers.
    asked_at = time.monotonic()
    async with runtime.worker_database.transaction(()) as tx:
        works = await claim_intents(tx, step="send", size=runtime.parts.pace.size, lease_seconds=CLAIM_SECONDS)
    return sum(await asyncio.gather(*(_one_workspace(runtime, work, asked_at) for work in works)))


async def _one_workspace(runtime: Runtime[Parts], work: Work, asked_at: float) -> int:
    taken = await _taken_until(runtime, work.workspace_id)
    try:
        intents = [stored.intent for _, stored in work.claims]
        answers = await ask_reach(
            runtime.peers, work.workspace_id, intents, traits_wanted(work, runtime.sealer(work.workspace_id))
        )
    except (Problem, msgspec.DecodeError) as problem:
        log.warning("profile cannot be asked; messages wait", extra={"why": str(problem)})
        async with runtime.worker_database.transaction(work.workspace_id) as tx:
            return await postpone_intents(
                tx, work.workspace_id, work.claims, reason="profile_away", pause_seconds=AWAY_PAUSE_SECONDS
            )
    behind = _behind(runtime, work, earlier(taken, answers.watermark))
    if behind:
        async with runtime.worker_database.transaction(work.workspace_id) as tx:
            await release(
                tx, work.workspace_id, [c.intent_id for c, _ in behind], pause_seconds=WATERMARK_PAUSE_SECONDS
            )
        work = replace(work, claims=[pair for pair in work.claims if pair not in behind])
        intents = [stored.intent for _, stored in work.claims]
    around = surroundings(runtime, work.workspace_id)
    drafts = draft_messages(work, [reach_of(intent, answers) for intent in intents], around)
    prepared = await _rendered(runtime.parts, drafts, work, around)
    settings = runtime.parts.settings
    async with runtime.worker_database.transaction(work.workspace_id) as tx:
        leaving = await decide_intents(
            tx,
            work.workspace_id,
            prepared,
            policy=work.policy,
            sealer=around.sealer,
            lease_seconds=settings.handoff_lease_seconds,
        )

    def may_begin() -> bool:
        return time.monotonic() - asked_at < settings.consent_lease_seconds

    by_channel: dict[str, list[tuple[Prepared, int]]] = defaultdict(list)
    for p, attempt in leaving:
        by_channel[p.verdict.channel].append((p, attempt))
    # Each channel settles by itself: the inbox does not wait for a slow relay.
    await asyncio.gather(
        *(_by_channel(runtime, name, group, work, around, may_begin) for name, group in by_channel.items())
    )
    return len(prepared)


async def _by_channel(
    runtime: Runtime[Parts],
    name: str,
    group: Sequence[tuple[Prepared, int]],
    work: Work,
    around: Surroundings,
    may_begin: Callable[[], bool],
) -> None:
    """Hand one channel's messages over and record what came of it."""
    parts = runtime.parts
    outcomes = await _sent(parts.channels[name], [outgoing(p, work, around) for p, _ in group], may_begin)
    not_begun = sum(isinstance(outcome, NotBegun) for outcome in outcomes)
    parts.pace.note(begun=len(outcomes) - not_begun, not_begun=not_begun)
    ended = [
        Ended(prepared.stored, name, attempt, outcome, prepared.address_lookup)
        for (prepared, attempt), outcome in zip(group, outcomes, strict=True)
    ]
    async with runtime.worker_database.transaction(work.workspace_id) as tx:
        await settle_outcomes(tx, work.workspace_id, ended, capabilities=capabilities_of(parts))


async def _taken_until(runtime: Runtime[Parts], workspace_id: int) -> datetime | None:
    """Return up to when all that was received has left identity for profile; asked first, so that profile has it."""
    if runtime.is_driven(workspace_id):
        return None
    return await watermark_of(runtime, "identity", workspace_id) or datetime.min.replace(tzinfo=UTC)


def earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the earlier of two watermarks; None: nothing to wait for."""
    return min((mark for mark in (one, other) if mark is not None), default=None)


def _behind(runtime: Runtime[Parts], work: Work, watermark: datetime | None) -> list[tuple[Claim, StoredIntent]]:
    """Return what was due after the last thing profile has applied: a consent on its way must count, for a while."""
    parts, present = runtime.parts, time.monotonic()
    behind = []
    late = 0
    for claim, stored in work.claims:
        since = parts.waiting.since(claim.intent_id, present) if _is_ahead(claim, watermark) else None
        if since is not None and present - since < PATIENCE_SECONDS:
            behind.append((claim, stored))
        else:
            late += since is not None
            parts.waiting.end(claim.intent_id)
    if late:
        count_late(runtime, ("identity", "profile"), late)
    return behind


def _is_ahead(claim: Claim, watermark: datetime | None) -> bool:
    return watermark is not None and watermark < claim.due_at


def surroundings(runtime: Runtime[Parts], workspace_id: int) -> Surroundings:
    """Return what drafting needs of this service."""
    settings = runtime.parts.settings
    return Surroundings(
        channels=runtime.parts.channels,
        sealer=runtime.sealer(workspace_id),
        base_url=(settings.public_url or settings.url_of("messaging")).rstrip("/"),
        default_sender=settings.smtp_from,
    )


def capabilities_of(parts: Parts) -> dict[str, Capabilities]:
    """Return every channel's capabilities."""
    return {name: channel.capabilities for name, channel in parts.channels.items()}


async def _rendered(parts: Parts, drafts: Sequence[Draft], work: Work, around: Surroundings) -> list[Prepared]:
    """Render in the sandbox, one request for all, each distinct template sent once."""
    numbers: dict[tuple[Part, ...], int] = {}
    items = [
        (numbers.setdefault(d.composition.parts, len(numbers)), d.composition.data)
        for d in drafts
        if d.composition is not None
    ]
    rendered = iter(await parts.renderer.render(list(numbers), items))
    return [
        finish_message(d, next(rendered) if d.composition is not None else Rendering(), work, around) for d in drafts
    ]


async def _sent(channel: Channel, batch: list[Outgoing], may_begin: Callable[[], bool]) -> list[Outcome]:
    try:
        return await channel.send(batch, may_begin)
    except Exception as error:
        # What a channel does not answer for may have left: never sent again without asking.
        log.exception("a channel failed", extra={"channel": channel.name})
        return [Refused(CanonicalError.TIMEOUT_UNKNOWN, type(error).__name__)] * len(batch)


async def _next_due(runtime: Runtime[Parts], workspace_id: int) -> datetime | None:
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return (await outstanding(tx, workspace_id, runtime.now(workspace_id))).next_due.get("send")


async def _open(runtime: Runtime[Parts], workspace_id: int) -> int:
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return (await outstanding(tx, workspace_id, runtime.now(workspace_id))).due["send"]


job = Job(name="send_due_messages", run=run, next_due=_next_due, open=_open, idle_seconds=0.2, workers=2)
