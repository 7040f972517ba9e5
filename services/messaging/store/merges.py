"""What a merge, a split or an erasure does to the rows of persons."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx, statement
from services.messaging.domain.twins import Asked

_POINT = statement("""
    insert into person as p (workspace_id, person_no, merged_into, graph_version)
    select :workspace_id, person_no, nullif(into_no, 0), :graph_version
    from unnest(:person_nos::int[], :into_nos::int[]) as t(person_no, into_no)
    order by person_no
    on conflict (workspace_id, person_no) do update
    set merged_into = excluded.merged_into, graph_version = excluded.graph_version
    where p.graph_version < excluded.graph_version
""")
_LIVING = statement("""
    with recursive chain(person_no, depth) as (
        select :person_no::int, 0
        union all
        select p.merged_into, c.depth + 1
        from chain c
        join person p on p.workspace_id = :workspace_id and p.person_no = c.person_no
        where p.merged_into is not null and c.depth < 64
    )
    select person_no from chain order by depth desc limit 1
""")
_COMPRESS = statement("""
    update person set merged_into = :living
    where workspace_id = :workspace_id and merged_into = any(:gone::int[]) and person_no <> :living
""")
_ASKED = statement("""
    select
        i.intent_id, i.person_no, i.requested_at,
        case i.origin
            when 'journey' then 'journey:' || i.journey_id || ':' || i.node
            when 'campaign' then 'campaign:' || i.campaign_id
            else 'content:' || encode(i.content_key, 'hex')
        end as origin,
        coalesce(q.step = 'send', false) as is_waiting
    from intent i
    left join intent_queue q using (workspace_id, intent_id)
    where i.workspace_id = :workspace_id
      and i.person_no = any(:person_nos::int[])
      and i.message_class <> 'transactional'
      and i.state not in ('dropped', 'failed')
      and i.requested_at > :since
""")
_MOVE = [
    statement(
        f"update {table} set person_no = :living where workspace_id = :workspace_id and person_no = any(:gone::int[])"
    )
    for table in ("reservation", "intent", "inbox_message", "withdrawal", "address_claim")
]
_GIVE = statement("""
    update intent i set person_no = h.person_no
    from unnest(:intent_ids::uuid[], :person_nos::int[]) as h(intent_id, person_no)
    where i.workspace_id = :workspace_id and i.intent_id = h.intent_id
""")
_ERASE_LOOKUPS = statement("""
    select distinct h.address_lookup
    from handoff h
    join intent i using (workspace_id, intent_id)
    where h.workspace_id = :workspace_id and i.person_no = :person_no and h.address_lookup is not null
""")
_BY_INTENT = ("intent_queue", "step", "handoff", "receipt", "address_claim", "reservation")
_ERASE = [
    *(
        (
            table,
            statement(
                f"delete from {table} using intent i where {table}.workspace_id = :workspace_id"
                f" and i.workspace_id = :workspace_id and i.person_no = :person_no and {table}.intent_id = i.intent_id"
            ),
        )
        for table in _BY_INTENT
    ),
    (
        "withdrawal_queue",
        statement(
            "delete from withdrawal_queue q using withdrawal w where q.workspace_id = :workspace_id"
            " and w.workspace_id = :workspace_id and w.person_no = :person_no and q.withdrawal_id = w.withdrawal_id"
        ),
    ),
    *(
        (table, statement(f"delete from {table} where workspace_id = :workspace_id and person_no = :person_no"))
        for table in ("reservation", "address_claim", "inbox_message", "withdrawal", "intent")
    ),
    (
        "said",
        statement(
            "delete from said where workspace_id = :workspace_id::int and (person_no = :person_no::int or person_no in"
            " (select person_no from person where workspace_id = :workspace_id::int and merged_into = :person_no::int))"
        ),
    ),
]
_MARK_ERASED = statement("""
    insert into person as p (workspace_id, person_no, erased_at) values (:workspace_id, :person_no, :now)
    on conflict (workspace_id, person_no) do update set erased_at = excluded.erased_at
""")


async def point_persons(tx: Tx, workspace_id: int, pointers: Sequence[tuple[int, int]], *, graph_version: int) -> None:
    """Set who each person is now (0: himself), unless a newer state of the graph is known."""
    await tx.execute(
        _POINT,
        workspace_id=workspace_id,
        person_nos=[person_no for person_no, _ in pointers],
        into_nos=[into_no for _, into_no in pointers],
        graph_version=graph_version,
    )


async def living_person(tx: Tx, workspace_id: int, person_no: int) -> int:
    """Return who a person is now."""
    return int(await tx.fetch_value(_LIVING, workspace_id=workspace_id, person_no=person_no))


async def asked_for(tx: Tx, workspace_id: int, person_nos: Sequence[int], since: datetime) -> list[Asked]:
    """Return what was asked for these persons since a time and was not refused."""
    rows = await tx.fetch(_ASKED, workspace_id=workspace_id, person_nos=list(person_nos), since=since)
    return [
        Asked(row["intent_id"], row["person_no"], row["origin"], row["is_waiting"], row["requested_at"]) for row in rows
    ]


async def move_persons(tx: Tx, workspace_id: int, gone: Sequence[int], living: int) -> None:
    """Give everything of merged persons to the one they are now: the counts add up by themselves."""
    await tx.execute(_COMPRESS, workspace_id=workspace_id, gone=list(gone), living=living)
    for move in _MOVE:
        await tx.execute(move, workspace_id=workspace_id, gone=list(gone), living=living)


async def erase_person(
    tx: Tx, workspace_id: int, person_no: int, *, now: datetime
) -> tuple[list[bytes], dict[str, int]]:
    """Delete everything about a person; return the look-ups of his addresses, and how many rows of which table."""
    rows = await tx.fetch(_ERASE_LOOKUPS, workspace_id=workspace_id, person_no=person_no)
    await tx.execute(_MARK_ERASED, workspace_id=workspace_id, person_no=person_no, now=now)
    counts = await forget_person(tx, workspace_id, person_no)
    return [bytes(row["address_lookup"]) for row in rows], counts


async def forget_person(tx: Tx, workspace_id: int, person_no: int) -> dict[str, int]:
    """Delete everything about a person but that he was erased; return how many rows of which table."""
    counts: dict[str, int] = {}
    for table, erase in _ERASE:
        counts[table] = counts.get(table, 0) + await tx.execute(erase, workspace_id=workspace_id, person_no=person_no)
    return counts


async def give_intents(tx: Tx, workspace_id: int, heirs: Mapping[UUID, int]) -> None:
    """Give intents to the persons named."""
    if heirs:
        await tx.execute(_GIVE, workspace_id=workspace_id, intent_ids=list(heirs), person_nos=list(heirs.values()))


async def waiting_among(tx: Tx, workspace_id: int, intent_ids: Sequence[UUID]) -> set[UUID]:
    """Return those that still wait to be sent, locked."""
    rows = await tx.fetch(_WAITING, workspace_id=workspace_id, intent_ids=list(intent_ids))
    return {row["intent_id"] for row in rows}


_WAITING = statement("""
    select intent_id from intent_queue
    where workspace_id = :workspace_id and intent_id = any(:intent_ids::uuid[]) and step = 'send'
    for update
""")
