"""Rows that no decision looks back at any more."""

from datetime import datetime
from uuid import UUID

from libs.common.db import Tx, statement

# `below` bounds the walk to the old end of the primary keys; a row younger than its intent (deferred, tried again)
# stays until its own time.
_SLOTS = statement("""
    delete from reservation r
    using (
        select intent_id, channel from reservation
        where workspace_id = :workspace_id and intent_id < :below and at <= :before
        order by intent_id
        limit :size
        for update skip locked
    ) old
    where r.workspace_id = :workspace_id and r.intent_id = old.intent_id and r.channel = old.channel
""")
_TRAILS = statement("""
    delete from step s
    using (
        select intent_id, step_no from step
        where workspace_id = :workspace_id and intent_id < :below and at <= :before
        order by intent_id
        limit :size
        for update skip locked
    ) old
    where s.workspace_id = :workspace_id and s.intent_id = old.intent_id and s.step_no = old.step_no
""")
_ADDRESS_CLAIMS = statement("""
    delete from address_claim a
    using (
        select address_lookup, content_key from address_claim
        where workspace_id = :workspace_id and at <= :before
        order by at
        limit :size
        for update skip locked
    ) old
    where a.workspace_id = :workspace_id
      and a.address_lookup = old.address_lookup
      and a.content_key = old.content_key
""")


async def sweep_slots(tx: Tx, workspace_id: int, *, before: datetime, below: UUID, size: int) -> int:
    """Delete some of the slots (of intents `below`) and address claims taken before a time; return how many rows."""
    slots = await tx.execute(_SLOTS, workspace_id=workspace_id, below=below, before=before, size=size)
    return slots + await tx.execute(_ADDRESS_CLAIMS, workspace_id=workspace_id, before=before, size=size)


async def sweep_trails(tx: Tx, workspace_id: int, *, before: datetime, below: UUID, size: int) -> int:
    """Delete some of the lines (of intents `below`) written before a time; return how many."""
    return await tx.execute(_TRAILS, workspace_id=workspace_id, below=below, before=before, size=size)


def first_id_of(instant: datetime) -> UUID:
    """Return the smallest id that can have been made at an instant of real time."""
    return UUID(int=max(int(instant.timestamp() * 1000), 0) << 80)
