"""Unsubscriptions taken here, until profile has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx, statement

_ADD = statement("""
    with kept as (
        insert into withdrawal (
            workspace_id, withdrawal_id, person_no, purpose, channel, topic, intent_id, withdrawn_at
        )
        values (:workspace_id, :withdrawal_id, :person_no, :purpose, :channel, :topic, :intent_id, :now)
    )
    insert into withdrawal_queue (workspace_id, withdrawal_id) values (:workspace_id, :withdrawal_id)
""")
_CLAIM = statement("""
    with picked as (
        select workspace_id, withdrawal_id from withdrawal_queue
        where available_at <= clock_timestamp()
        order by available_at
        limit :size
        for update skip locked
    )
    update withdrawal_queue q
    set available_at = clock_timestamp() + make_interval(secs => :lease_seconds)
    from picked p
    where q.workspace_id = p.workspace_id and q.withdrawal_id = p.withdrawal_id
    returning q.workspace_id, q.withdrawal_id
""")
_LOAD = statement("""
    select w.workspace_id, w.withdrawal_id, w.person_no, w.purpose, w.channel, w.topic, w.intent_id, w.withdrawn_at
    from withdrawal w
    where w.withdrawal_id = any(:withdrawal_ids::uuid[])
    order by w.workspace_id, w.withdrawn_at
""")
_DONE = statement("""
    with gone as (
        delete from withdrawal_queue
        where workspace_id = :workspace_id and withdrawal_id = any(:withdrawal_ids::uuid[])
    )
    delete from withdrawal where workspace_id = :workspace_id and withdrawal_id = any(:withdrawal_ids::uuid[])
""")
_LEAVE = statement("""
    delete from withdrawal_queue where workspace_id = :workspace_id and withdrawal_id = any(:withdrawal_ids::uuid[])
""")


@dataclass(frozen=True, slots=True)
class StoredWithdrawal:
    """An unsubscription."""

    workspace_id: int
    withdrawal_id: UUID
    person_no: int
    purpose: str
    channel: str
    topic: str
    intent_id: UUID
    withdrawn_at: datetime


async def add_withdrawal(
    tx: Tx,
    workspace_id: int,
    *,
    withdrawal_id: UUID,
    person_no: int,
    purpose: str,
    channel: str,
    topic: str,
    intent_id: UUID,
    now: datetime,
) -> None:
    """Keep an unsubscription: the gate obeys it from this commit on."""
    await tx.execute(
        _ADD,
        workspace_id=workspace_id,
        withdrawal_id=withdrawal_id,
        person_no=person_no,
        purpose=purpose,
        channel=channel,
        topic=topic,
        intent_id=intent_id,
        now=now,
    )


async def claim_withdrawals(tx: Tx, *, size: int, lease_seconds: float) -> list[StoredWithdrawal]:
    """Take unsubscriptions to pass on; `tx` sees their workspaces afterwards."""
    claimed = await tx.fetch(_CLAIM, size=size, lease_seconds=lease_seconds)
    if not claimed:
        return []
    await tx.see(row["workspace_id"] for row in claimed)
    rows = await tx.fetch(_LOAD, withdrawal_ids=[row["withdrawal_id"] for row in claimed])
    found = [StoredWithdrawal(*row.values()) for row in rows]
    left = {(row["workspace_id"], row["withdrawal_id"]) for row in claimed}
    left -= {(item.workspace_id, item.withdrawal_id) for item in found}
    for workspace_id in {number for number, _ in left}:  # places in the queue whose unsubscription is gone
        await leave_withdrawals(tx, workspace_id, [item for number, item in left if number == workspace_id])
    return found


async def forget_withdrawals(tx: Tx, workspace_id: int, withdrawal_ids: Sequence[UUID]) -> None:
    """Drop what profile has taken over: a later grant there must win."""
    await tx.execute(_DONE, workspace_id=workspace_id, withdrawal_ids=list(withdrawal_ids))


async def leave_withdrawals(tx: Tx, workspace_id: int, withdrawal_ids: Sequence[UUID]) -> None:
    """Pass these on no more; what is kept of them goes on to hold here."""
    await tx.execute(_LEAVE, workspace_id=workspace_id, withdrawal_ids=list(withdrawal_ids))
