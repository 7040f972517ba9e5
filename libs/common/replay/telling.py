"""The owner's side: how a service tells all its facts of one contract again, part by part."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from libs.common.contracts.event import Event
from libs.common.db import Tx, statement
from libs.common.http.pages import decode_cursor, encode_cursor
from libs.common.outbox.rows import encode_line

if TYPE_CHECKING:
    from libs.common.runtime import Runtime

MOST_EVENTS = 500

_KEPT = statement(
    """
    select received_at, event_id, line from said
    where workspace_id = :workspace_id and subject = :subject
      and (received_at, event_id) > (:received_at::timestamptz, :event_id::uuid)
    order by received_at, event_id limit :limit
    """
)
_KEPT_DAYS = statement(
    """
    select (received_at at time zone 'UTC')::date as day, count(*) as events from said
    where workspace_id = :workspace_id and subject = :subject group by 1
    """
)
_UNSAID = statement("select min(earliest) from outbox_log where workspace_id = :workspace_id and subject = :subject")
_FIRST = (datetime.fromisoformat("0001-01-01T00:00:00+00:00"), UUID(int=0))


@dataclass(frozen=True, slots=True)
class Part:
    """Some events as lines of JSON; `following` is where the next part begins, None at the end."""

    lines: Sequence[bytes]
    following: str | None
    reached: datetime | None = None
    """The arrival up to which events were told, where they are told in that order."""


Days = dict[date, int]
Count = Callable[[Tx, int], Awaitable[Days]]
Read = Callable[[Tx, "Runtime[Any]", int, str | None, int], Awaitable[Part]]


@dataclass(frozen=True)
class Telling:
    """`read(tx, runtime, workspace_id, after, limit)` returns the part behind the cursor `after`.

    It tells what has been told before and nothing else, under the ids it was told by; facts that change while it goes
    on are told on the bus as ever.
    """

    contract: type[Event]
    read: Read
    count: Count | None = None
    """`count(tx, workspace_id)` returns how many events were told, by the day they were received (UTC)."""


class Page(msgspec.Struct, frozen=True, omit_defaults=True):
    """What travels: events, where the next page begins, and the earliest arrival that may still come on the bus."""

    events: list[msgspec.Raw]
    following: str | None = None
    unsaid_from: datetime | None = None
    reached: datetime | None = None


async def page_of(
    tx: Tx, runtime: "Runtime[Any]", telling: Telling, workspace_id: int, after: str | None, limit: int
) -> Page:
    """Return a page of a telling."""
    part = await telling.read(tx, runtime, workspace_id, after, limit)
    # asked after the facts: whatever was in them and is in the log no more has been acknowledged by every consumer
    unsaid = await tx.fetch_value(_UNSAID, workspace_id=workspace_id, subject=telling.contract.subject)
    return Page([msgspec.Raw(line) for line in part.lines], part.following, unsaid, part.reached)


def kept(contract: type[Event]) -> Telling:
    """Return the telling of a contract whose events are kept as they were said (`Event.kept`)."""

    async def read(tx: Tx, _runtime: "Runtime[Any]", workspace_id: int, after: str | None, limit: int) -> Part:
        received_at, event_id = decode_cursor(after, tuple[datetime, UUID]) or _FIRST
        rows = await tx.fetch(
            _KEPT,
            workspace_id=workspace_id,
            subject=contract.subject,
            received_at=received_at,
            event_id=event_id,
            limit=limit,
        )
        lines = [bytes(row["line"]) for row in rows]
        return part_of(lines, rows, limit, ("received_at", "event_id"))

    async def count(tx: Tx, workspace_id: int) -> Days:
        rows = await tx.fetch(_KEPT_DAYS, workspace_id=workspace_id, subject=contract.subject)
        return {row["day"]: row["events"] for row in rows}

    return Telling(contract, read, count)


def part_of(lines: Sequence[bytes], rows: Sequence[Any], limit: int, key: tuple[str, ...]) -> Part:
    """Return the part of lines read from `rows`, whose columns `key` say where the next one begins."""
    if len(rows) < limit:
        return Part(lines, None)
    last = rows[-1]
    reached = last["received_at"] if key[0] == "received_at" else None
    return Part(lines, encode_cursor(*(last[name] for name in key)), reached)


def lines_of(events: Sequence[Event]) -> list[bytes]:
    """Return events as they travel."""
    return [encode_line(event) for event in events]
