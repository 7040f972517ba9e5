"""Members as Roaring bitmaps in chunks, the sequence of each person's changes, sizes."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pyroaring import BitMap

from libs.common.db import Tx, statement
from services.segment.domain.world import CHUNK_BITS

CHUNKS_AT_ONCE = 32
_LOAD = statement("select segment_id, bitmap from segment.membership_chunk where workspace_id = :workspace_id")
_SAVE = statement(
    """
    insert into segment.membership_chunk (workspace_id, segment_id, chunk, bitmap)
    select :workspace_id::int, given.segment_id, given.chunk, given.bitmap
    from unnest(:segment_ids::uuid[], :chunks::int[], :bitmaps::bytea[]) as given (segment_id, chunk, bitmap)
    on conflict (workspace_id, segment_id, chunk) do update set bitmap = excluded.bitmap
    """
)
_COUNT_ON = statement(
    """
    insert into segment.membership_sequence as known (workspace_id, segment_id, person_no, sequence)
    select :workspace_id::int, given.segment_id, given.person_no, 1
    from unnest(:segment_ids::uuid[], :person_nos::int[]) as given (segment_id, person_no)
    order by given.segment_id, given.person_no
    on conflict (workspace_id, segment_id, person_no) do update set sequence = known.sequence + 1
    returning segment_id, person_no, sequence
    """
)
_SIZES = statement(
    """
    with given as (
        select * from unnest(:segment_ids::uuid[], :versions::int[], :sizes::bigint[], :entered::bigint[],
                             :exited::bigint[]) as given (segment_id, version, size, entered, exited)
    ), resized as (
        update segment.segment set size = given.size from given
        where segment.workspace_id = :workspace_id::int and segment.segment_id = given.segment_id
    )
    insert into segment.size_history as known (workspace_id, segment_id, at, version, size, entered, exited)
    select :workspace_id::int, segment_id, date_trunc('hour', :at::timestamptz), version, size, entered, exited
    from given
    on conflict (workspace_id, segment_id, at) do update set
        version = excluded.version, size = excluded.size,
        entered = known.entered + excluded.entered, exited = known.exited + excluded.exited
    """
)
_HISTORY = statement(
    """
    select at, version, size, entered, exited from segment.size_history
    where workspace_id = :workspace_id and segment_id = :segment_id
      and at >= coalesce(:from_time::timestamptz, '-infinity') and at < coalesce(:to_time::timestamptz, 'infinity')
    order by at desc limit :limit
    """
)
_CHUNKS_FROM = statement(
    """
    select chunk, bitmap from segment.membership_chunk
    where workspace_id = :workspace_id and segment_id = :segment_id and chunk >= :chunk
    order by chunk limit :most
    """
)
_OF_SEGMENTS = statement(
    """
    select segment_id, bitmap from segment.membership_chunk
    where workspace_id = :workspace_id and segment_id = any(:segment_ids::uuid[])
    """
)
_COPY = statement(
    """
    insert into segment.membership_chunk (workspace_id, segment_id, chunk, bitmap)
    select workspace_id, :target::uuid, chunk, bitmap from segment.membership_chunk
    where workspace_id = :workspace_id and segment_id = :source
    """
)
_FORGET = statement(
    "delete from segment.membership_sequence where workspace_id = :workspace_id and person_no = any(:person_nos::int[])"
)
_FORGET_MEMBERS = (
    statement("delete from segment.membership_chunk where workspace_id = :workspace_id and segment_id = :segment_id"),
    statement(
        "delete from segment.membership_sequence where workspace_id = :workspace_id and segment_id = :segment_id"
    ),
)
_ROUND = statement("select evaluated_until, revision from segment.round where workspace_id = :workspace_id")
_REVISIONS = statement("select workspace_id, revision from segment.round")
_BEGIN = statement(
    """
    insert into segment.round as known (workspace_id, evaluated_until) values (:workspace_id, :now)
    on conflict (workspace_id) do update set evaluated_until = coalesce(known.evaluated_until, excluded.evaluated_until)
    """
)
_SETTLE = statement(
    """
    update segment.round set revision = revision + 1, evaluated_until = greatest(evaluated_until, :now)
    where workspace_id = :workspace_id and revision = :revision
    """
)
_DISTURB = statement(
    """
    insert into segment.round as known (workspace_id) values (:workspace_id)
    on conflict (workspace_id) do update set revision = known.revision + 1
    """
)


@dataclass(frozen=True, slots=True)
class Resized:
    """A segment's size after a round, and how many entered and exited in it, also those who did without a word."""

    segment_id: UUID
    version: int
    size: int
    entered: int
    exited: int


@dataclass(frozen=True, slots=True)
class SizePoint:
    """A segment's size at the end of an hour, and how many entered and exited in it."""

    at: datetime
    version: int
    size: int
    entered: int
    exited: int


async def load(tx: Tx, workspace_id: int) -> dict[UUID, BitMap]:
    """Return the members of every live segment."""
    members: dict[UUID, BitMap] = {}
    for row in await tx.fetch(_LOAD, workspace_id=workspace_id):
        members.setdefault(row["segment_id"], BitMap()).update(BitMap.deserialize(row["bitmap"]))
    return members


async def save_chunks(tx: Tx, workspace_id: int, chunks: Iterable[tuple[UUID, int, BitMap]]) -> None:
    """Write the chunks (segment, number, members) that changed."""
    listed = list(chunks)
    await tx.execute(
        _SAVE,
        workspace_id=workspace_id,
        segment_ids=[segment_id for segment_id, _, _ in listed],
        chunks=[number for _, number, _ in listed],
        bitmaps=[members.serialize() for _, _, members in listed],
    )


async def next_sequences(tx: Tx, workspace_id: int, changed: Sequence[tuple[UUID, int]]) -> dict[tuple[UUID, int], int]:
    """Return the number of each (segment, person)'s change, from 1."""
    rows = await tx.fetch(
        _COUNT_ON,
        workspace_id=workspace_id,
        segment_ids=[segment_id for segment_id, _ in changed],
        person_nos=[person_no for _, person_no in changed],
    )
    return {(row["segment_id"], row["person_no"]): row["sequence"] for row in rows}


async def save_sizes(tx: Tx, workspace_id: int, sizes: Sequence[Resized], *, at: datetime) -> None:
    """Keep segments' sizes, and their history by the hour."""
    await tx.execute(
        _SIZES,
        workspace_id=workspace_id,
        at=at,
        segment_ids=[resized.segment_id for resized in sizes],
        versions=[resized.version for resized in sizes],
        sizes=[resized.size for resized in sizes],
        entered=[resized.entered for resized in sizes],
        exited=[resized.exited for resized in sizes],
    )


async def size_history(
    tx: Tx, workspace_id: int, segment_id: UUID, *, from_time: datetime | None, to_time: datetime | None, limit: int
) -> list[SizePoint]:
    """Return sizes, newest first."""
    rows = await tx.fetch(
        _HISTORY, workspace_id=workspace_id, segment_id=segment_id, from_time=from_time, to_time=to_time, limit=limit
    )
    return [SizePoint(**dict(row)) for row in rows]


async def nth_after(tx: Tx, workspace_id: int, segment_id: UUID, *, person_no: int, position: int) -> int | None:
    """Return the member that is the `position`-th (from 1) with a greater number, if any comes behind him."""
    passed = 0
    rows = await tx.fetch(
        _CHUNKS_FROM, workspace_id=workspace_id, segment_id=segment_id, chunk=(person_no + 1) >> CHUNK_BITS, most=None
    )
    found: int | None = None
    for row in rows:
        members = BitMap.deserialize(row["bitmap"])
        skipped = members.rank(person_no)
        if found is not None and len(members) > skipped:
            return found
        here = len(members) - skipped
        if passed + here > position:
            return int(members[skipped + position - passed - 1])
        if passed + here == position and here:
            found = int(members[len(members) - 1])
        passed += here
    return None


async def of_segments(tx: Tx, workspace_id: int, segment_ids: Collection[UUID]) -> dict[UUID, BitMap]:
    """Return the members of segments."""
    members = {segment_id: BitMap() for segment_id in segment_ids}
    for row in await tx.fetch(_OF_SEGMENTS, workspace_id=workspace_id, segment_ids=list(segment_ids)):
        members[row["segment_id"]].update(BitMap.deserialize(row["bitmap"]))
    return members


async def copy_chunks(tx: Tx, workspace_id: int, *, source: UUID, target: UUID) -> None:
    """Give a segment the members another one has."""
    await tx.execute(_COPY, workspace_id=workspace_id, source=source, target=target)


async def members_after(tx: Tx, workspace_id: int, segment_id: UUID, *, person_no: int, limit: int) -> list[int]:
    """Return up to `limit` members with a greater number."""
    found: list[int] = []
    chunk = (person_no + 1) >> CHUNK_BITS
    # some chunks at a time: a page of an export of millions does not read all that come behind it
    while True:
        rows = await tx.fetch(
            _CHUNKS_FROM, workspace_id=workspace_id, segment_id=segment_id, chunk=chunk, most=CHUNKS_AT_ONCE
        )
        for row in rows:
            members = BitMap.deserialize(row["bitmap"])
            first = members.rank(person_no)
            found.extend(members[first : first + limit - len(found)])
            if len(found) >= limit:
                return found
        if len(rows) < CHUNKS_AT_ONCE:
            return found
        chunk = rows[-1]["chunk"] + 1


async def forget_members(tx: Tx, workspace_id: int, segment_id: UUID) -> None:
    """Delete a segment's members, whom nobody is told of."""
    for each in _FORGET_MEMBERS:
        await tx.execute(each, workspace_id=workspace_id, segment_id=segment_id)


async def forget_sequences(tx: Tx, workspace_id: int, person_nos: list[int]) -> None:
    """Delete what is kept of erased persons."""
    await tx.execute(_FORGET, workspace_id=workspace_id, person_nos=person_nos)


async def read_round(tx: Tx, workspace_id: int, *, now: datetime) -> tuple[datetime, int]:
    """Return up to when time is answered, and the revision; the first look begins both."""
    row = await tx.fetch_one(_ROUND, workspace_id=workspace_id)
    if row is None or row["evaluated_until"] is None:
        await tx.execute(_BEGIN, workspace_id=workspace_id, now=now)
        row = await tx.fetch_one(_ROUND, workspace_id=workspace_id)
    return (row["evaluated_until"], row["revision"]) if row else (now, 0)


async def revisions(tx: Tx) -> dict[int, int]:
    """Return the revision of every workspace that has any."""
    return {row["workspace_id"]: row["revision"] for row in await tx.fetch(_REVISIONS)}


async def settle_round(tx: Tx, workspace_id: int, *, revision: int, now: datetime) -> bool:
    """Note that time is answered up to `now`; False when somebody else settled or changed segments meanwhile."""
    return bool(await tx.execute(_SETTLE, workspace_id=workspace_id, revision=revision, now=now))


async def disturb(tx: Tx, workspace_id: int) -> None:
    """Make evaluators load their picture of the workspace again."""
    await tx.execute(_DISTURB, workspace_id=workspace_id)
