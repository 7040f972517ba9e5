"""Replays as rows: which consumer, how far, and which events it has to be told."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.db import Tx, statement

_ADD = statement(
    """
    insert into replay (replay_id, workspace_id, consumer, subject, since)
    values (:replay_id, :workspace_id, :consumer, :subject, :since)
    on conflict (workspace_id, consumer) where finished_at is null do nothing
    """
)
_OPEN = statement("select * from replay where finished_at is null order by workspace_id, replay_id")
_LIST = statement(
    "select * from replay where workspace_id = :workspace_id and replay_id > :after order by replay_id limit :limit"
)
_OF_IDS = statement("select * from replay where replay_id = any(:replay_ids::uuid[]) order by replay_id")
_COUNT_OPEN = statement(
    "select count(*) from replay where workspace_id = :workspace_id and finished_at is null"
    " and consumer = any(:consumers::text[])"
)
# the cursor moves in the transaction that applies its page: whoever comes second with the same page finds it gone
_ADVANCE = statement(
    """
    update replay set
        position = :following, told = told + :told, reached = coalesce(:reached, reached), reason = '',
        finished_at = case when :following::text is null then clock_timestamp() end
    where replay_id = :replay_id and position is not distinct from :position and finished_at is null
    """
)
_COUNT = statement(
    "update replay set applied = applied + :applied, set_aside = set_aside + :set_aside where replay_id = :replay_id"
)
_TROUBLE = statement("update replay set reason = :reason where replay_id = :replay_id and reason <> :reason")
_HANDLED = statement(
    """
    select event_id from inbox
    where consumer_no = :consumer_no and event_id = any(:event_ids::uuid[]) and handled_at >= :since
    """
)
# One statement, for a look before the insert cannot see a batch in hand: the insert waits for that batch and judges by
# what it has left, so that of the two one alone handles an event.
_TAKE = statement(
    """
    insert into inbox as known (consumer_no, event_id) select :consumer_no, unnest(:event_ids::uuid[])
    on conflict (consumer_no, event_id) do update set handled_at = clock_timestamp() where known.handled_at < :since
    returning event_id
    """
)
# waits until every batch in hand is committed: what is handled from here on is handled later than the instant returned
_BEGIN = statement("lock table inbox in share mode")
_NOW = statement("select clock_timestamp()")


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """One consumer told the facts of one contract again; `told` and `applied` count events."""

    replay_id: UUID
    workspace_id: int
    consumer: str
    subject: str
    since: datetime
    position: str | None
    reached: datetime | None
    told: int
    applied: int
    set_aside: int
    reason: str
    requested_at: datetime
    finished_at: datetime | None


async def hold_inbox(tx: Tx) -> datetime:
    """Let no batch of this service be in hand until the transaction ends; return the instant."""
    await tx.execute(_BEGIN)
    instant: datetime = await tx.fetch_value(_NOW)
    return instant


async def add(tx: Tx, *, replay_id: UUID, workspace_id: int, consumer: str, subject: str, since: datetime) -> bool:
    """Ask for a replay; False when one of this consumer goes on."""
    return bool(
        await tx.execute(
            _ADD, replay_id=replay_id, workspace_id=workspace_id, consumer=consumer, subject=subject, since=since
        )
    )


async def open_replays(tx: Tx) -> list[Replay]:
    """Return the replays that go on."""
    return [Replay(**dict(row)) for row in await tx.fetch(_OPEN)]


async def list_replays(tx: Tx, workspace_id: int, *, after: UUID, limit: int) -> list[Replay]:
    """Return replays, oldest first."""
    rows = await tx.fetch(_LIST, workspace_id=workspace_id, after=after, limit=limit)
    return [Replay(**dict(row)) for row in rows]


async def of_ids(tx: Tx, replay_ids: Sequence[UUID]) -> list[Replay]:
    """Return replays by their ids."""
    return [Replay(**dict(row)) for row in await tx.fetch(_OF_IDS, replay_ids=list(replay_ids))]


async def count_open(tx: Tx, workspace_id: int, consumers: Sequence[str]) -> int:
    """Return how many replays of these consumers go on."""
    return int(await tx.fetch_value(_COUNT_OPEN, workspace_id=workspace_id, consumers=list(consumers)))


async def advance(tx: Tx, replay: Replay, *, following: str | None, told: int, reached: datetime | None) -> bool:
    """Move a replay behind the page in hand; False when somebody else applied this page."""
    return bool(
        await tx.execute(
            _ADVANCE,
            replay_id=replay.replay_id,
            position=replay.position,
            following=following,
            told=told,
            reached=reached,
        )
    )


async def count(tx: Tx, replay: Replay, *, applied: int, set_aside: int) -> None:
    """Count what became of a page's events."""
    await tx.execute(_COUNT, replay_id=replay.replay_id, applied=applied, set_aside=set_aside)


async def note_trouble(tx: Tx, replay: Replay, reason: str) -> None:
    """Say why a replay waits."""
    await tx.execute(_TROUBLE, replay_id=replay.replay_id, reason=reason[:2000])


async def unhandled(
    tx: Tx, consumer_no: int, event_ids: Collection[UUID], *, since: datetime, to_come: Collection[UUID]
) -> set[UUID]:
    """Return the events not handled since the replay began, and remember those that may still come on the bus.

    A batch of the bus that has one of these in hand is waited for. What is not to come needs no more than a look:
    every consumer had acknowledged it, which is after its commit, when the owner was asked.
    """
    coming = set(to_come) & set(event_ids)
    rows = await tx.fetch(_TAKE, consumer_no=consumer_no, event_ids=sorted(coming), since=since)
    taken = {row["event_id"] for row in rows}
    past = set(event_ids) - coming
    rows = await tx.fetch(_HANDLED, consumer_no=consumer_no, event_ids=sorted(past), since=since)
    return taken | (past - {row["event_id"] for row in rows})
