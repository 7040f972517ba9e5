"""The decision, made exactly once and in the transaction that records it: drop, defer, or hand over now."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from libs.common.db import Tx
from libs.common.personal import Sealer
from services.messaging.domain.intent import Decision, Defer, Drop, Intent, Take, Wait
from services.messaging.domain.policy import Policy
from services.messaging.store.decisions import (
    Advance,
    Leaving,
    Move,
    advance_intents,
    hand_over,
    move_queue,
    release_slots,
)
from services.messaging.store.merges import asked_as_others
from services.messaging.store.persons import lock_persons, spent_slots
from services.messaging.store.queue import hold_claims, release
from services.messaging.store.suppressions import find_suppressions
from services.messaging.store.workspaces import present
from services.messaging.usecases.give_slots import give_slots
from services.messaging.usecases.prepared import Prepared
from services.messaging.usecases.tell_progress import Progress, tell_progress
from services.messaging.usecases.withhold_intents import withhold_rivals, withhold_strays, withhold_withdrawn

RIVAL_PAUSE_SECONDS = 0.05
TWIN_PAUSE_SECONDS = 0.2
TWINS_WITHIN = timedelta(days=33)


async def decide_intents(
    tx: Tx, workspace_id: int, prepared: Sequence[Prepared], *, policy: Policy, sealer: Sealer, lease_seconds: float
) -> list[tuple[Prepared, int]]:
    """Record every verdict; return what has to be handed over now, with the number of the attempt.

    What is handed over counts as unknown when nothing was heard of it for `lease_seconds` (real time).
    The persons' rows are locked first, so that no other worker gives out slots of the same persons meanwhile; those of
    the sides too, so that nobody parts them meanwhile.
    """
    known = await lock_persons(tx, workspace_id, [n for p in prepared for n in (p.intent.person_no, p.stored.side_no)])
    held = await hold_claims(tx, workspace_id, [p.claim for p in prepared])
    ours = [p for p in prepared if held.get(p.intent.intent_id) == p.intent.person_no]
    moved = [p for p in prepared if held.get(p.intent.intent_id, p.intent.person_no) != p.intent.person_no]
    ours, strays = await withhold_strays(tx, workspace_id, ours, known)
    ours, withdrawn = await withhold_withdrawn(tx, workspace_id, ours)
    # Moved to another person by a merge since the claim, or unsubscribed: everything is asked again.
    await release(tx, workspace_id, [p.intent.intent_id for p in (*moved, *strays, *withdrawn)])
    now = await present(tx, workspace_id)
    ours, waiting = await withhold_rivals(tx, workspace_id, ours, policy, now)
    await release(tx, workspace_id, [p.intent.intent_id for p in waiting], pause_seconds=RIVAL_PAUSE_SECONDS)
    verdicts = await _verdicts(tx, workspace_id, ours, policy, now)
    return await _record(tx, workspace_id, ours, verdicts, sealer, lease_seconds, now)


async def _verdicts(
    tx: Tx, workspace_id: int, ours: Sequence[Prepared], policy: Policy, now: datetime
) -> dict[UUID, Decision]:
    """Return the final verdicts: suppression, duplicates, priority and caps on top of the first half's."""
    verdicts: dict[UUID, Decision] = {p.intent.intent_id: p.verdict for p in ours}
    taking = [p for p in ours if isinstance(p.verdict, Take)]
    lookups = [p.address_lookup for p in taking if p.address_lookup is not None]
    suppressed = await find_suppressions(tx, workspace_id, lookups) if lookups else {}
    open_ones = []
    for p in taking:
        lookup, channel = p.address_lookup or b"", p.channel
        reason = suppressed.get((lookup, channel)) or suppressed.get((lookup, ""))
        if reason is None:
            open_ones.append(p)
        else:
            verdicts[p.intent.intent_id] = Drop("suppressed", {"because": reason}, channel)
    persons = list({p.intent.person_no for p in open_ones})
    spent = await spent_slots(tx, workspace_id, persons, now - policy.horizon)
    asked = await asked_as_others(tx, workspace_id, persons, now - TWINS_WITHIN) if persons else {}
    verdicts.update(await give_slots(tx, workspace_id, open_ones, spent, asked, policy=policy, now=now))
    return verdicts


async def _record(
    tx: Tx,
    workspace_id: int,
    ours: Sequence[Prepared],
    verdicts: Mapping[UUID, Decision],
    sealer: Sealer,
    lease_seconds: float,
    now: datetime,
) -> list[tuple[Prepared, int]]:
    advances: list[Advance] = []
    moves: list[Move] = []
    leaving: list[tuple[Prepared, Leaving]] = []
    news: list[Progress] = []
    for p in ours:
        verdict = verdicts[p.intent.intent_id]
        if isinstance(verdict, Take):
            leaving.append((p, _leaving(p, sealer)))
            moves.append(Move(intent_id=p.intent.intent_id, step="handoff", pause_seconds=lease_seconds))
            index = p.intent.channels.index(verdict.channel)
            advances.append(_advance(p, "submitted", "", verdict.channel, index=index))
            continue
        if isinstance(verdict, Wait):
            pause = TWIN_PAUSE_SECONDS
            moves.append(Move(intent_id=p.intent.intent_id, step="send", due_at=verdict.until, pause_seconds=pause))
            continue
        next_index = _next_channel(p.intent, verdict)
        if next_index is not None:
            moves.append(Move(intent_id=p.intent.intent_id, step="send"))
            advances.append(_advance(p, "queued", "", "", index=next_index))
        elif isinstance(verdict, Defer):
            moves.append(Move(intent_id=p.intent.intent_id, step="send", due_at=verdict.until))
            detail = {**verdict.values, "until": verdict.until.isoformat()}
            advances.append(_advance(p, "deferred", "deferred", verdict.channel, verdict.reason, detail))
            news.append(Progress(p.stored, "deferred", verdict.channel, verdict.reason))
        else:
            moves.append(Move(intent_id=p.intent.intent_id))
            advances.append(_advance(p, "dropped", "dropped", verdict.channel, verdict.reason, verdict.values))
            news.append(Progress(p.stored, "suppressed", verdict.channel, verdict.reason))
    await release_slots(tx, workspace_id, [m.intent_id for m in moves if m.step != "handoff"])
    await move_queue(tx, workspace_id, moves)
    await advance_intents(tx, workspace_id, advances, now=now)
    attempts = await hand_over(tx, workspace_id, [row for _, row in leaving], now=now)
    await tell_progress(tx, news, now=now)
    return [(p, attempts[p.intent.intent_id, row.channel]) for p, row in leaving]


def _next_channel(intent: Intent, verdict: Decision) -> int | None:
    """Return the place of the next channel when a suppressed address closes only this one."""
    if not isinstance(verdict, Drop) or verdict.reason != "suppressed" or verdict.channel not in intent.channels:
        return None
    following = intent.channels.index(verdict.channel) + 1
    return following if following < len(intent.channels) else None


def _advance(
    p: Prepared,
    state: str,
    said: str,
    channel: str,
    reason: str = "",
    detail: Mapping[str, object] | None = None,
    *,
    index: int | None = None,
) -> Advance:
    return Advance(
        intent_id=p.intent.intent_id,
        state=state,
        said=said,
        channel=channel,
        channel_index=p.intent.channel_index if index is None else index,
        reason=reason,
        detail=dict(detail or {}),
        attempts=p.stored.attempts,
    )


def _leaving(p: Prepared, sealer: Sealer) -> Leaving:
    return Leaving(
        intent_id=p.intent.intent_id,
        channel=p.channel,
        message_id=p.message_id,
        address_lookup=p.address_lookup.hex() if p.address_lookup is not None else None,
        address_sealed=sealer.seal_json(p.address) if p.address else None,
        content_sealed=sealer.seal_json(dict(p.content)),
        language=p.language,
        template_version=p.template_version,
    )
