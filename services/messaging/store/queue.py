"""What is to be done next with an intent, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID
from weakref import WeakKeyDictionary

from libs.common.db import Tx, load_sql, statement

Step = Literal["send", "handoff", "fallback"]

_CLAIM = load_sql(__file__, "claim_due.sql")
_HOLD = load_sql(__file__, "hold_claims.sql")
_LOCK = statement("""
    select from intent_queue
    where workspace_id = :workspace_id and intent_id = any(:intent_ids::uuid[])
    order by intent_id
    for update
""")
_RELEASE = statement("""
    update intent_queue set available_at = clock_timestamp() + make_interval(secs => :pause_seconds)
    where workspace_id = :workspace_id and intent_id = any(:intent_ids::uuid[]) and step = 'send'
""")
_LEAVE = statement("""
    delete from intent_queue
    where workspace_id = :workspace_id and intent_id = :intent_id and step in ('send', 'fallback')
""")
_OUTSTANDING = load_sql(__file__, "outstanding.sql")


@dataclass(frozen=True, slots=True)
class Claim:
    """Work taken until the lease ends; the lease is also the proof that it is still ours."""

    workspace_id: int
    intent_id: UUID
    due_at: datetime
    lease: datetime


async def claim_due(tx: Tx, *, step: Step, size: int, lease_seconds: float) -> list[Claim]:
    """Take up to about `size` due intents over all workspaces."""
    rows = await tx.fetch(_CLAIM, step=step, size=size, lease_seconds=lease_seconds)
    return [Claim(row["workspace_id"], row["intent_id"], row["due_at"], row["lease"]) for row in rows]


async def hold_claims(tx: Tx, workspace_id: int, claims: Sequence[Claim]) -> dict[UUID, int]:
    """Lock the intents that are still claimed by us; return each one's present person."""
    rows = await tx.fetch(
        _HOLD,
        workspace_id=workspace_id,
        intent_ids=[claim.intent_id for claim in claims],
        leases=[claim.lease for claim in claims],
    )
    return {row["intent_id"]: row["person_no"] for row in rows}


async def lock_queue(tx: Tx, workspace_id: int, intent_ids: Sequence[UUID]) -> None:
    """Lock the places of intents in the queue: always before their handoffs, so that nobody waits in a circle."""
    await tx.execute(_LOCK, workspace_id=workspace_id, intent_ids=list(intent_ids))


async def release(tx: Tx, workspace_id: int, intent_ids: Sequence[UUID], *, pause_seconds: float = 0.0) -> None:
    """Give claims back, to be taken again after a real pause."""
    await tx.execute(
        _RELEASE, workspace_id=workspace_id, intent_ids=list(intent_ids), pause_seconds=float(pause_seconds)
    )


async def leave_queue(tx: Tx, workspace_id: int, intent_id: UUID) -> None:
    """Take an intent out that waits for its next channel; one in a provider's hands stays."""
    await tx.execute(_LEAVE, workspace_id=workspace_id, intent_id=intent_id)


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What a workspace still has to do: by step how much is due and when the next is; unsubscriptions to pass on."""

    due: Mapping[str, int]
    next_due: Mapping[str, datetime]
    withdrawals: int


async def outstanding(tx: Tx, workspace_id: int, now: datetime) -> Outstanding:
    """Return what is still to be done: read once a transaction, however many ask for their part of it."""
    known = _known.get(tx)
    if known is not None and known[0] == workspace_id:
        return known[1]
    rows = await tx.fetch(_OUTSTANDING, workspace_id=workspace_id, now=now)
    found = Outstanding(
        due={row["step"]: row["due"] for row in rows},
        next_due={row["step"]: row["next_due"] for row in rows if row["next_due"] is not None},
        withdrawals=rows[0]["withdrawals"],
    )
    _known[tx] = (workspace_id, found)
    return found


_known: WeakKeyDictionary[Tx, tuple[int, Outstanding]] = WeakKeyDictionary()
