"""The SQL of the relay; all of it runs in the worker role."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from libs.common.bus.port import ConsumerState
from libs.common.db import Tx, load_sql, statement
from libs.common.outbox.messages import ClaimedRow

_LEAD = statement("select pg_try_advisory_xact_lock(7262, hashtext(:service || '.outbox'))")
_CLAIM = statement(
    "select log_id, workspace_id, byte_count from outbox_queue order by log_id limit :limit for update skip locked"
)
_READ = statement(
    "select log_id, workspace_id, subject, pp, event_count, payload, said_again, traceparent from outbox_log "
    "where log_id = any(:log_ids::bigint[]) order by log_id"
)
_SENT = load_sql(__file__, "record_sent.sql")
_OLDEST = statement("select coalesce((select created_at from outbox_log order by log_id limit 1), clock_timestamp())")
_KNOW_WORKSPACES = statement(
    "insert into outbox_workspace (workspace_id) select unnest(:workspace_ids::int[]) on conflict do nothing"
)
_WORKSPACES = statement("select workspace_id from workspace union select workspace_id from outbox_workspace")
_STREAM = statement("select created_at, last_sequence from outbox_stream where stream = :stream for update")
_SAVE_STREAM = load_sql(__file__, "save_stream.sql")
_SAVE_CONSUMERS = load_sql(__file__, "save_consumers.sql")
_CONSUMERS = statement("select subject, consumer, ack_floor from outbox_consumer")
_EXPECT_CONSUMERS = statement(
    "insert into outbox_consumer (subject, consumer, ack_floor) "
    "select subject, consumer, 0 from unnest(:subjects::text[], :consumers::text[]) as c (subject, consumer) "
    "on conflict do nothing"
)
_FORGET_CONSUMER = statement("delete from outbox_consumer where consumer = :consumer")
_ENQUEUE = load_sql(__file__, "enqueue_again.sql")
_PRUNE = load_sql(__file__, "prune_log.sql")
_PRUNE_UNHEARD = load_sql(__file__, "prune_unheard.sql")
_RESET_FLOORS = statement("update outbox_consumer set ack_floor = 0")


async def lead(tx: Tx, service: str) -> bool:
    """Become the one active relay of the service until the transaction ends; the order of publishing depends on it."""
    return bool(await tx.fetch_value(_LEAD, service=service))


async def claim(tx: Tx, *, rows: int, max_bytes: int) -> list[ClaimedRow]:
    """Lock the oldest rows of the queue, up to about `max_bytes`, and read their payloads."""
    claimed: list[int] = []
    workspaces: set[int] = set()
    size = 0
    for row in await tx.fetch(_CLAIM, limit=rows):
        if claimed and size + row["byte_count"] > max_bytes:
            break
        size += row["byte_count"]
        claimed.append(row["log_id"])
        workspaces.add(row["workspace_id"])
    if not claimed:
        return []
    await tx.see(workspaces)
    return [ClaimedRow(**dict(row)) for row in await tx.fetch(_READ, log_ids=claimed)]


async def record_sent(tx: Tx, sequences: Mapping[int, int]) -> None:
    """Note the stream sequence of each log row and take the rows from the queue."""
    await tx.execute(_SENT, log_ids=list(sequences), sequences=list(sequences.values()))


async def see_all_workspaces(tx: Tx) -> None:
    """Make every workspace known here visible (for pruning and rebuilding)."""
    await tx.see(row["workspace_id"] for row in await tx.fetch(_WORKSPACES))


async def know_workspaces(tx: Tx, workspace_ids: Iterable[int]) -> None:
    """Remember whose rows are in the log."""
    await tx.execute(_KNOW_WORKSPACES, workspace_ids=list(workspace_ids))


async def oldest(tx: Tx) -> datetime:
    """Return when the oldest row of the log was said (now, when it is empty): nothing older can be published again."""
    value: datetime = await tx.fetch_value(_OLDEST)
    return value


async def known_stream(tx: Tx, stream: str) -> tuple[datetime, int] | None:
    """Return creation time and last sequence of the stream as last seen."""
    row = await tx.fetch_one(_STREAM, stream=stream)
    return (row["created_at"], row["last_sequence"]) if row is not None else None


async def save_stream(tx: Tx, stream: str, created_at: datetime, last_sequence: int) -> None:
    """Remember the stream as it is now."""
    await tx.execute(_SAVE_STREAM, stream=stream, created_at=created_at, last_sequence=last_sequence)


async def known_consumers(tx: Tx) -> dict[tuple[str, str], int]:
    """Return the acknowledged sequence per (subject, consumer) ever seen."""
    return {(row["subject"], row["consumer"]): row["ack_floor"] for row in await tx.fetch(_CONSUMERS)}


async def save_consumers(tx: Tx, consumers: Sequence[ConsumerState]) -> None:
    """Remember the consumers and how far they are."""
    await tx.execute(
        _SAVE_CONSUMERS,
        subjects=[consumer.filter_subject.removesuffix(".*") for consumer in consumers],
        consumers=[consumer.name for consumer in consumers],
        ack_floors=[consumer.ack_floor for consumer in consumers],
    )


async def expect_consumers(tx: Tx, expected: Collection[tuple[str, str]]) -> None:
    """Hold the log for these (subject, consumer) from the first event on, also before they were ever seen."""
    await tx.execute(
        _EXPECT_CONSUMERS,
        subjects=[subject for subject, _ in expected],
        consumers=[consumer for _, consumer in expected],
    )


async def forget_consumer(tx: Tx, consumer: str) -> int:
    """Stop waiting for a consumer that is gone for good."""
    return await tx.execute(_FORGET_CONSUMER, consumer=consumer)


async def enqueue_again(tx: Tx, *, subjects: Sequence[str] | None, above: int, below: int | None) -> int:
    """Queue the published rows with a sequence in (above, below) once more; of all subjects when None."""
    return await tx.execute(_ENQUEUE, subjects=None if subjects is None else list(subjects), above=above, below=below)


async def reset_floors(tx: Tx) -> None:
    """The stream is another: what consumers had acknowledged in the old one says nothing."""
    await tx.execute(_RESET_FLOORS)


async def prune_log(tx: Tx, floors: Mapping[str, int]) -> int:
    """Drop the rows that every consumer of their subject has applied."""
    return await tx.execute(_PRUNE, subjects=list(floors), floors=list(floors.values()))


async def prune_unheard(tx: Tx, seconds: float) -> int:
    """Drop old published rows of subjects that nobody ever followed."""
    return await tx.execute(_PRUNE_UNHEARD, seconds=seconds)
