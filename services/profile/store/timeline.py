"""What happened to a person, by event time."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.db import Tx, load_sql, statement
from services.profile.store.columns import columns


class NewEntry(NamedTuple):
    """A row of the timeline; `holder_no` is an identifier, or minus a person_no."""

    workspace_id: int
    holder_no: int
    event_time: datetime
    event_id: UUID
    person_no_at_ingest: int
    kind: str
    name: str
    source_id: int
    received_at: datetime
    body: str
    sealed: bytes | None


class Entry(NamedTuple):
    """A row as it is read; `body` is a JSON object with the plain part."""

    event_id: UUID
    event_time: datetime
    received_at: datetime
    kind: str
    name: str
    source_id: int
    body: str
    sealed: bytes | None


class HeldEntry(NamedTuple):
    """An event by the identifier it came by, with its plain body."""

    holder_no: int
    event_id: UUID
    event_time: datetime
    received_at: datetime
    body: str


class Choice(NamedTuple):
    """Which rows of a timeline: by name, source and time [since, until), before a position."""

    names: list[str] | None = None
    source_ids: list[int] | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, UUID] | None = None


# primary key: an identifier's rows lie together
_NAMED = """
select holder_no, event_id, event_time, received_at, body from timeline
where workspace_id = :workspace_id and holder_no = any(:holder_nos::int[]) and kind = 'track' and name = :name
order by holder_no, event_time, event_id
"""
_ADD = load_sql(__file__, "add_timeline.sql")
_READ = load_sql(__file__, "read_timeline.sql")
_COUNT = """
select count(*) filter (where holder_no > 0) as collected, count(*) filter (where holder_no < 0) as own
from timeline where workspace_id = :workspace_id
"""
_NAMES = (
    "workspace_ids", "holder_nos", "event_times", "event_ids", "person_nos", "kinds", "names", "source_ids", "received",
    "bodies", "sealed",
)  # fmt: skip


async def count_entries(tx: Tx, workspace_id: int) -> tuple[int, int]:
    """Return how many rows came from touchpoints, and how many from messages and journeys; reads the whole index."""
    record = await tx.fetch_one(statement(_COUNT), workspace_id=workspace_id)
    return (record["collected"], record["own"]) if record is not None else (0, 0)


async def add_entries(tx: Tx, entries: Collection[NewEntry]) -> None:
    """Add rows; the same event twice is one."""
    if entries:
        await tx.execute(_ADD, **columns(_NAMES, entries))


async def entries_named(tx: Tx, workspace_id: int, holder_nos: Collection[int], name: str) -> list[HeldEntry]:
    """Return the tracked events of a name by identifiers, in order."""
    records = await tx.fetch(statement(_NAMED), workspace_id=workspace_id, holder_nos=list(holder_nos), name=name)
    return [HeldEntry(*record) for record in records]


async def read_timeline(
    tx: Tx, workspace_id: int, person_no: int, aliases: Collection[int], choice: Choice, limit: int
) -> list[Entry]:
    """Return a person's rows, newest first: those of identifiers he owned at the time, and those about himself."""
    records = await tx.fetch(
        _READ,
        workspace_id=workspace_id,
        person_no=person_no,
        alias_holders=[-alias for alias in aliases],
        names=choice.names,
        source_ids=choice.source_ids,
        since=choice.since,
        until=choice.until,
        before_time=choice.before[0] if choice.before else None,
        before_id=choice.before[1] if choice.before else None,
        limit=limit,
    )
    return [Entry(*record) for record in records]
