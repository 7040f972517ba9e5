"""The receiver's memory of events handled, and its dead letters: the SQL of the bus."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.db import Tx, load_sql, statement
from libs.common.ids import new_id

_REGISTER = statement(
    "insert into inbox_consumer (name) values (:name) on conflict (name) do update set name = excluded.name "
    "returning consumer_no"
)
_ADD = statement(
    "insert into inbox (consumer_no, event_id) select :consumer_no, unnest(:event_ids::uuid[]) "
    "on conflict do nothing returning event_id"
)
_FORGET_EVENTS = statement("delete from inbox where consumer_no = :consumer_no and event_id = any(:event_ids::uuid[])")
_SEEN = statement("select event_id from inbox where consumer_no = :consumer_no and event_id = any(:event_ids::uuid[])")
_SUSPECT = statement(
    "insert into inbox_suspect (consumer_no, stream_sequence) select :consumer_no, unnest(:sequences::bigint[]) "
    "on conflict (consumer_no, stream_sequence) do update set times = inbox_suspect.times + 1 "
    "returning stream_sequence, times, event_id"
)
_IN_HAND = statement(
    "update inbox_suspect set event_id = :event_id where consumer_no = :consumer_no and stream_sequence = :sequence"
)
_CLEAR = statement(
    "delete from inbox_suspect where consumer_no = :consumer_no and stream_sequence = any(:sequences::bigint[])"
)
# what was handled since a replay began is remembered until it has ended: the replay brings it again
_PRUNE = statement(
    """
    delete from inbox where consumer_no = :consumer_no and handled_at < least(
        :mark::timestamptz - interval '10 minutes', (select min(since) from replay where finished_at is null)
    )
    """
)
_HANDLE_AGAIN = statement(
    """
    insert into inbox (consumer_no, event_id)
    select consumer_no, :event_id::uuid from inbox_consumer where name = :consumer
    on conflict (consumer_no, event_id) do update set handled_at = clock_timestamp()
    """
)
_HOLD_DEAD = statement(
    """
    select event_id from dead_letter
    where consumer = :consumer and event_id = any(:event_ids::uuid[]) and status = 'open'
    order by dead_letter_id for update
    """
)
_SETTLE_DEAD = statement(
    """
    update dead_letter set status = 'replayed', settled_at = clock_timestamp()
    where consumer = :consumer and event_id = any(:event_ids::uuid[]) and status = 'open'
    """
)
_ADD_DEAD = load_sql(__file__, "dead_letter_add.sql")


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that could not be handled; its bytes are sealed where the contract seals them."""

    dead_letter_id: UUID
    workspace_id: int
    consumer: str
    subject: str
    event_id: UUID
    event: bytes
    reason: str
    attempts: int
    status: str
    created_at: datetime
    settled_at: datetime | None


class NewDeadLetter(msgspec.Struct, frozen=True):
    """An event to set aside, and why."""

    workspace_id: int
    event_id: UUID
    event: bytes
    reason: str


class Suspicion(msgspec.Struct, frozen=True):
    """How often a message was taken in hand without an answer, and the event that was handled alone at the last end."""

    times: int
    event_id: UUID | None = None


async def register_consumer(tx: Tx, name: str) -> int:
    """Return the consumer's small number, the inbox's key."""
    number: int = await tx.fetch_value(_REGISTER, name=name)
    return number


async def add_unseen(tx: Tx, consumer_no: int, event_ids: Collection[UUID]) -> set[UUID]:
    """Remember the events and return those not handled before.

    Sorted, so that two workers who got the same events wait for each other instead of deadlocking.
    """
    rows = await tx.fetch(_ADD, consumer_no=consumer_no, event_ids=sorted(event_ids))
    return {row["event_id"] for row in rows}


async def forget(tx: Tx, consumer_no: int, event_ids: Collection[UUID]) -> None:
    """Take back events that are to come again."""
    await tx.execute(_FORGET_EVENTS, consumer_no=consumer_no, event_ids=list(event_ids))


async def seen(tx: Tx, consumer_no: int, event_ids: Collection[UUID]) -> set[UUID]:
    """Return the events handled before."""
    rows = await tx.fetch(_SEEN, consumer_no=consumer_no, event_ids=list(event_ids))
    return {row["event_id"] for row in rows}


async def suspect(tx: Tx, consumer_no: int, sequences: Collection[int]) -> dict[int, Suspicion]:
    """Note that messages are taken in hand once more; return how often they were, without an answer."""
    rows = await tx.fetch(_SUSPECT, consumer_no=consumer_no, sequences=sorted(sequences))
    return {row["stream_sequence"]: Suspicion(row["times"], row["event_id"]) for row in rows}


async def take_alone(tx: Tx, consumer_no: int, sequence: int, event_id: UUID) -> None:
    """Note which event of a suspect message is handled next."""
    await tx.execute(_IN_HAND, consumer_no=consumer_no, sequence=sequence, event_id=event_id)


async def clear(tx: Tx, consumer_no: int, sequences: Collection[int]) -> None:
    """The messages were answered: the process outlived them."""
    await tx.execute(_CLEAR, consumer_no=consumer_no, sequences=list(sequences))


async def prune(tx: Tx, consumer_no: int, mark: datetime) -> int:
    """Forget what was handled before the sender's mark: it can never be sent again (10 minutes for clocks apart)."""
    return await tx.execute(_PRUNE, consumer_no=consumer_no, mark=mark)


async def handle_again(tx: Tx, consumer: str, event_id: UUID) -> None:
    """Remember an event that was set aside as handled now: a replay that began since leaves it alone."""
    await tx.execute(_HANDLE_AGAIN, consumer=consumer, event_id=event_id)


async def hold_dead_letters(tx: Tx, consumer: str, event_ids: Collection[UUID]) -> set[UUID]:
    """Return which of the events are set aside, and let nobody else handle those until the transaction ends."""
    rows = await tx.fetch(_HOLD_DEAD, consumer=consumer, event_ids=list(event_ids))
    return {row["event_id"] for row in rows}


async def settle_dead_letters(tx: Tx, consumer: str, event_ids: Collection[UUID]) -> None:
    """Events that were set aside have been handled after all."""
    if event_ids:
        await tx.execute(_SETTLE_DEAD, consumer=consumer, event_ids=list(event_ids))


async def add_dead_letters(tx: Tx, consumer: str, subject: str, letters: Sequence[NewDeadLetter]) -> None:
    """Set events aside."""
    if letters:
        await tx.execute(
            _ADD_DEAD,
            consumer=consumer,
            subject=subject,
            dead_letter_ids=[new_id() for _ in letters],
            workspace_ids=[letter.workspace_id for letter in letters],
            event_ids=[letter.event_id for letter in letters],
            events=[letter.event for letter in letters],
            # PostgreSQL's text takes no NUL
            reasons=[letter.reason.replace("\x00", "")[:2000] for letter in letters],
        )
