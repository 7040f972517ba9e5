"""What may not be decided now although its turn has come: it is another's, unsubscribed, or a better one is due."""

from collections.abc import Mapping
from datetime import datetime

from libs.common.db import Tx
from services.messaging.domain.intent import Intent, Take
from services.messaging.domain.policy import Policy
from services.messaging.domain.slots import rank
from services.messaging.store.erasure import forget_person
from services.messaging.store.intents import rivals_of
from services.messaging.store.merges import Belonging, give_intents
from services.messaging.store.persons import Standing, pending_withdrawals
from services.messaging.store.redirects import paths_of
from services.messaging.usecases.prepared import Prepared


async def withhold_strays(
    tx: Tx, workspace_id: int, ours: list[Prepared], known: Mapping[int, Standing]
) -> tuple[list[Prepared], list[Prepared]]:
    """Split off what entered the ledger while its person merged, parted or was erased: his it is now, or nobody's."""
    doubtful = [p for p in ours if p.stored.side_no != p.intent.person_no or known[p.intent.person_no].merged_into]
    paths = await paths_of(tx, workspace_id, {p.stored.side_no for p in doubtful}) if doubtful else {}
    heirs = {
        p.intent.intent_id: Belonging(p.stored.side_no, paths[p.stored.side_no][-1])
        for p in doubtful
        if paths[p.stored.side_no][-1] != p.intent.person_no
    }
    await give_intents(tx, workspace_id, heirs)
    strays = [p for p in ours if p.intent.intent_id in heirs]
    mine = [p for p in ours if p.intent.intent_id not in heirs]
    erased = {p.intent.person_no for p in mine if known[p.intent.person_no].erased_at is not None}
    for person_no in sorted(erased):
        await forget_person(tx, workspace_id, person_no)
    return [p for p in mine if p.intent.person_no not in erased], strays


async def withhold_withdrawn(tx: Tx, workspace_id: int, ours: list[Prepared]) -> tuple[list[Prepared], list[Prepared]]:
    """Split off what the person has unsubscribed from since the claim: another channel may still be open."""
    pending = await pending_withdrawals(tx, workspace_id, list({p.intent.person_no for p in ours}))
    withdrawn = {
        p.intent.intent_id
        for p in ours
        if isinstance(p.verdict, Take)
        and any(w.covers(p.intent, p.channel) for w in pending.get(p.intent.person_no, ()))
    }
    return [p for p in ours if p.intent.intent_id not in withdrawn], [
        p for p in ours if p.intent.intent_id in withdrawn
    ]


async def withhold_rivals(
    tx: Tx, workspace_id: int, ours: list[Prepared], policy: Policy, now: datetime
) -> tuple[list[Prepared], list[Prepared]]:
    """Split off those with a better candidate of the same window in another worker's hands: that one goes first."""
    competing = [p for p in ours if p.intent.window_ends_at is not None]
    if policy.arbitration_seconds <= 0 or not competing:
        return ours, []
    rivals = await rivals_of(
        tx, workspace_id, [p.intent.person_no for p in competing], [p.intent.intent_id for p in ours], now=now
    )
    best: dict[tuple[int, datetime | None], Intent] = {}
    for rival in rivals:
        key = (rival.person_no, rival.window_ends_at)
        best[key] = min(rival, best.get(key, rival), key=rank)
    waiting = {
        p.intent.intent_id
        for p in competing
        if rank(best.get((p.intent.person_no, p.intent.window_ends_at), p.intent)) < rank(p.intent)
    }
    return [p for p in ours if p.intent.intent_id not in waiting], [p for p in ours if p.intent.intent_id in waiting]
