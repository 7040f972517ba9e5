"""What identity has told, read again in a fixed order."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from asyncpg import Record

from libs.common.db import Tx, load_sql, statement
from libs.common.painting import BEGINNING
from services.identity.store.event_log import LoggedEvent

_EVENTS = load_sql(__file__, "tell_events.sql")
_DAYS = statement(
    """
    select (e.received_at at time zone 'UTC')::date as day, count(*) as events from event_log e
    where e.workspace_id = :workspace_id
      and not exists (select from ingest_queue q where q.workspace_id = e.workspace_id and q.event_id = e.event_id)
      and not exists (select from untold u where u.event_id = e.event_id)
      and not exists (select from passed_over p where p.event_id = e.event_id)
    group by 1
    """
)
_RULES = statement(
    "select event_id, rule_version from evidence"
    " where workspace_id = :workspace_id and event_id = any(:event_ids::uuid[]) and part = 0"
)
_UNTOLD = statement(
    "insert into untold (event_id, workspace_id) select * from unnest(:event_ids::uuid[], :workspace_ids::int[])"
    " on conflict do nothing"
)
_PERSONS = statement(
    "select person_no, person_id, state, redirect_to, graph_version, created_at from person"
    " where workspace_id = :workspace_id and person_no > :after and state <> 'erased'"
    " order by person_no limit :row_limit"
)
_ENDED = statement(
    """
    select ended.person_no, ended.person_id, coalesce(last.graph_version, ended.graph_version) as graph_version,
           ended.merged_into as survivor_no, survivor.person_id as survivor_id, ended.created_at
    from person as ended
    join person as survivor on survivor.workspace_id = ended.workspace_id and survivor.person_no = ended.merged_into
    left join lateral (
        select log.graph_version from person_redirect as log
        where log.workspace_id = ended.workspace_id and log.from_no = ended.person_no and log.to_no = ended.merged_into
        order by log.graph_version desc limit 1
    ) as last on true
    where ended.workspace_id = :workspace_id and ended.person_no > :after and ended.state = 'merged'
    order by ended.person_no limit :row_limit
    """
)
_OWNERSHIP = statement(
    """
    select owned.node_no, owned.version, owned.person_no, owned.since, owned.until, owned.recorded_at,
           coalesce(owned.since, :beginning::timestamptz) as place,
           person.person_id, node.namespace, node.scope, node.lookup, node.sealed,
           coalesce((
               select earlier.person_no from ownership as earlier
               where earlier.workspace_id = owned.workspace_id and earlier.node_no = owned.node_no
                 and earlier.version < owned.version
               order by earlier.version desc limit 1
           ), 0) as from_person_no
    from ownership as owned
    join node on node.workspace_id = owned.workspace_id and node.node_no = owned.node_no
    join person on person.workspace_id = owned.workspace_id and person.person_no = owned.person_no
    where owned.workspace_id = :workspace_id
      and (owned.node_no, owned.version, coalesce(owned.since, :beginning::timestamptz))
          > (:after_no::int, :after_version::bigint, :after_since::timestamptz)
    order by owned.node_no, owned.version, coalesce(owned.since, :beginning::timestamptz) limit :row_limit
    """
)


async def told_events(
    tx: Tx, workspace_id: int, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[LoggedEvent]:
    """Return events that were told, by (received_at, event id)."""
    rows = await tx.fetch(
        _EVENTS,
        workspace_id=workspace_id,
        after_time=after[0] if after else None,
        after_id=after[1] if after else None,
        row_limit=limit,
    )
    return [LoggedEvent(**dict(row)) for row in rows]


async def told_days(tx: Tx, workspace_id: int) -> dict[date, int]:
    """Return how many events were told, by the day they were received (UTC)."""
    return {row["day"]: row["events"] for row in await tx.fetch(_DAYS, workspace_id=workspace_id)}


async def rules_of(tx: Tx, workspace_id: int, event_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the version of the policies under which each event was read."""
    rows = await tx.fetch(_RULES, workspace_id=workspace_id, event_ids=list(event_ids))
    return {row["event_id"]: row["rule_version"] for row in rows}


async def leave_untold(tx: Tx, events: Collection[tuple[UUID, int]]) -> None:
    """Note events (with their workspaces) that were read and are not told: another copy is, or was."""
    if events:
        listed = list(events)
        await tx.execute(_UNTOLD, event_ids=[one for one, _ in listed], workspace_ids=[one for _, one in listed])


async def persons_from(tx: Tx, workspace_id: int, *, after: int, limit: int) -> list[Record]:
    """Return persons that are or were, by number."""
    return await tx.fetch(_PERSONS, workspace_id=workspace_id, after=after, row_limit=limit)


async def ended_from(tx: Tx, workspace_id: int, *, after: int, limit: int) -> list[Record]:
    """Return persons that ended in a merge, with whom each ended in at which version, by number.

    Not where the way from there ends: who hears it again must be able to undo any link of a chain.
    """
    return await tx.fetch(_ENDED, workspace_id=workspace_id, after=after, row_limit=limit)


async def ownership_from(tx: Tx, workspace_id: int, *, after: tuple[int, int, datetime], limit: int) -> list[Record]:
    """Return who owned identifiers from which version on, by (identifier, version, `place`: the beginning)."""
    return await tx.fetch(
        _OWNERSHIP,
        workspace_id=workspace_id,
        after_no=after[0],
        after_version=after[1],
        after_since=after[2],
        beginning=BEGINNING,
        row_limit=limit,
    )
