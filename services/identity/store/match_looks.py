"""How far the persons of a workspace with a model are looked at: one row a workspace, claimed under a lease."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from libs.common.db import Tx, load_sql, statement

_CLAIM = load_sql(__file__, "claim_match_look.sql")
_BEGIN = statement(
    "insert into match_look (workspace_id, version, due_at, after_at) values (:workspace_id, :version, :now, :now)"
    " on conflict (workspace_id) do update set version = excluded.version, due_at = excluded.due_at,"
    " taken_until = '-infinity', after_person = 0, after_at = excluded.after_at,"
    " after_id = '00000000-0000-0000-0000-000000000000', looked_at = null, persons = 0, compared = 0, suggested = 0"
)
_SETTLE = statement(
    "update match_look set due_at = :due_at, taken_until = :taken_until, after_person = :after_person,"
    " after_at = :after_at, after_id = :after_id, looked_at = coalesce(:looked_at, looked_at),"
    " persons = persons + :persons, compared = compared + :compared, suggested = suggested + :suggested"
    " where workspace_id = :workspace_id and version = :version"
)
_FIND = statement("select * from match_look where workspace_id = :workspace_id")
_NEXT = statement("select due_at from match_look where workspace_id = :workspace_id")
_OPEN = statement("select count(*) from match_look where workspace_id = :workspace_id and due_at <= :now")
_PERSONS = statement(
    "select person_no from person where workspace_id = :workspace_id and person_no > :after and state = 'active'"
    " order by person_no limit :row_limit"
)
_SPAN = statement(
    "select received_at, event_id, kind from event_log where workspace_id = :workspace_id"
    " and (received_at, event_id) > (:after_at, :after_id) and received_at < :until"
    " order by received_at, event_id limit :row_limit"
)
_TOLD_OF = statement(
    "select distinct n.person_no from evidence e"
    " join node n on n.workspace_id = e.workspace_id and n.node_no = e.centre_no"
    " where e.workspace_id = :workspace_id and e.event_id = any(:event_ids::uuid[]) and n.person_no <> 0"
)
LEASE = timedelta(seconds=120)
"""For how long, by the wall clock, a look that somebody has in hand is nobody else's."""


class MatchLook(msgspec.Struct, frozen=True, kw_only=True):
    """Where the looking stands: which persons are next, when, and what came of it since the model was put."""

    workspace_id: int
    version: int
    due_at: datetime
    after_person: int | None
    after_at: datetime
    after_id: UUID
    looked_at: datetime | None
    persons: int
    compared: int
    suggested: int


class Told(msgspec.Struct, frozen=True):
    """An event of the record by its place in it."""

    received_at: datetime
    event_id: UUID
    kind: str


def _look(record: object) -> MatchLook:
    return msgspec.convert(dict(record), MatchLook)  # type: ignore[call-overload]


async def begin(tx: Tx, workspace_id: int, version: int, now: datetime) -> None:
    """Have everybody looked at by a new model."""
    await tx.execute(_BEGIN, workspace_id=workspace_id, version=version, now=now)


async def claim(tx: Tx, wall: datetime) -> MatchLook | None:
    """Take the look that is due first under a lease (worker role); None when none is."""
    row = await tx.fetch_one(_CLAIM, wall=wall, taken_until=wall + LEASE)
    return _look(row) if row is not None else None


async def settle(
    tx: Tx,
    look: MatchLook,
    *,
    taken_until: datetime,
    looked_at: datetime | None = None,
    persons: int = 0,
    compared: int = 0,
    suggested: int = 0,
) -> None:
    """Write where `look` stands now and what came of it, and let it go; nothing when another model was put since."""
    await tx.execute(
        _SETTLE, workspace_id=look.workspace_id, version=look.version, due_at=look.due_at, taken_until=taken_until,
        after_person=look.after_person, after_at=look.after_at, after_id=look.after_id, looked_at=looked_at,
        persons=persons, compared=compared, suggested=suggested,
    )  # fmt: skip


async def find(tx: Tx, workspace_id: int) -> MatchLook | None:
    """Return where the looking of a workspace stands, None without a model."""
    row = await tx.fetch_one(_FIND, workspace_id=workspace_id)
    return _look(row) if row is not None else None


async def next_due(tx: Tx, workspace_id: int) -> datetime | None:
    """Return when a workspace is looked at next."""
    due: datetime | None = await tx.fetch_value(_NEXT, workspace_id=workspace_id)
    return due


async def count_due(tx: Tx, workspace_id: int, now: datetime) -> int:
    """Return 1 while a look of a workspace is due or in hand."""
    return int(await tx.fetch_value(_OPEN, workspace_id=workspace_id, now=now))


async def persons_after(tx: Tx, workspace_id: int, after: int, limit: int) -> list[int]:
    """Return the next persons in the order of their numbers."""
    rows = await tx.fetch(_PERSONS, workspace_id=workspace_id, after=after, row_limit=limit)
    return [row["person_no"] for row in rows]


async def events_after(tx: Tx, look: MatchLook, until: datetime, limit: int) -> list[Told]:
    """Return the next events received before `until`, whatever they are, in the order of the record."""
    rows = await tx.fetch(
        _SPAN, workspace_id=look.workspace_id, after_at=look.after_at, after_id=look.after_id, until=until,
        row_limit=limit,
    )  # fmt: skip
    return [Told(**dict(row)) for row in rows]


async def persons_told_of(tx: Tx, workspace_id: int, event_ids: Sequence[UUID]) -> list[int]:
    """Return whom events are about, by the persons of now."""
    rows = await tx.fetch(_TOLD_OF, workspace_id=workspace_id, event_ids=list(event_ids))
    return sorted(row["person_no"] for row in rows)
