"""The in-app inbox: what waits for a person until he looks, reads it, or it expires."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.db import Tx, statement
from services.messaging.store.redirects import lock_holders

_ADD = statement("""
    with incoming as (
        select *
        from jsonb_to_recordset(:rows) as r(
            workspace_id integer, intent_id uuid, person_no integer, content_sealed text, created_at timestamptz,
            expires_at timestamptz
        )
    ), present as (
        select r.workspace_id, r.intent_id, coalesce(i.person_no, r.person_no) as person_no, r.content_sealed,
               r.created_at, r.expires_at
        from incoming r
        left join intent i using (workspace_id, intent_id)
    )
    insert into inbox_message (workspace_id, intent_id, person_no, content_sealed, created_at, expires_at)
    select workspace_id, intent_id, person_no, content_sealed, created_at, expires_at
    from present
    where not exists (
        select from person p
        where p.workspace_id = present.workspace_id and p.person_no = present.person_no and p.erased_at is not null
    )
    order by workspace_id, intent_id
    on conflict do nothing
""")
_PULL = statement("""
    select m.intent_id, m.content_sealed, m.created_at, m.expires_at, m.read_at
    from inbox_message m
    where m.workspace_id = :workspace_id
      and m.person_no = :person_no
      and (m.expires_at is null or m.expires_at > :now)
      and (:before::uuid is null or m.intent_id < :before::uuid)
    order by m.intent_id desc
    limit :limit
""")
_BADGE = statement("""
    select count(*) from inbox_message
    where workspace_id = :workspace_id and person_no = :person_no and read_at is null
      and (expires_at is null or expires_at > :now)
""")
_READ = statement("""
    update inbox_message set read_at = :now
    where workspace_id = :workspace_id and person_no = :person_no and intent_id = any(:intent_ids::uuid[])
      and read_at is null
    returning intent_id
""")


class InboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """A message to put into a person's inbox."""

    workspace_id: int
    intent_id: UUID
    person_no: int
    content_sealed: str
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """A message in the inbox."""

    intent_id: UUID
    content_sealed: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None
    read_at: datetime | None


async def add_inbox_messages(tx: Tx, rows: Sequence[InboxRow]) -> None:
    """Put messages into inboxes; one that is there stays as it is, and who was erased meanwhile gets none.

    Whose inbox says the intent, its persons held against a merge, a split or an erasure of this moment: the worker
    knows him from before.
    """
    by_workspace: dict[int, list[InboxRow]] = defaultdict(list)
    for row in rows:
        by_workspace[row.workspace_id].append(row)
    for workspace_id, group in sorted(by_workspace.items()):
        await lock_holders(tx, workspace_id, [r.intent_id for r in group], {r.person_no for r in group})
    await tx.execute(_ADD, rows=[msgspec.to_builtins(row) for row in rows])


async def pull_inbox(
    tx: Tx, workspace_id: int, person_no: int, *, now: datetime, limit: int, before: UUID | None
) -> list[InboxEntry]:
    """Return a person's messages that have not expired, newest first."""
    rows = await tx.fetch(_PULL, workspace_id=workspace_id, person_no=person_no, now=now, limit=limit, before=before)
    return [InboxEntry(*row.values()) for row in rows]


async def unread_count(tx: Tx, workspace_id: int, person_no: int, *, now: datetime) -> int:
    """Return the number on the badge."""
    return int(await tx.fetch_value(_BADGE, workspace_id=workspace_id, person_no=person_no, now=now))


async def mark_read(
    tx: Tx, workspace_id: int, person_no: int, intent_ids: Sequence[UUID], *, now: datetime
) -> list[UUID]:
    """Mark messages as read; return those that were not before."""
    rows = await tx.fetch(_READ, workspace_id=workspace_id, person_no=person_no, intent_ids=list(intent_ids), now=now)
    return [row["intent_id"] for row in rows]
