"""Messages follow their persons: together when persons merge, each to his own side when a merge is undone.

Whose a message is stands in its intent: `side_no`, which a merge never changes, and `person_no`, who the side is now by
the redirects. So nothing has to be remembered of a merge to undo it, chains come apart at any link, and the same news
in another order, or twice, ends in the same rows. Only a split changes sides: of what was addressed to an identifier
that leaves (`parted_side`), as far as it is in the ledger by then. Slots, inbox and unsubscriptions go where their
intents are; no more of a row is touched, so an undone merge leaves no trace in them.

`person_no` is kept, not resolved when read: caps and the inbox are read at every message, persons change rarely.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.db import Tx, statement
from services.messaging.domain.twins import Asked, Stage

_HOLD = [
    statement("""
        select from intent_queue q
        join intent i using (workspace_id, intent_id)
        where i.workspace_id = :workspace_id and i.person_no = any(:places::int[])
        order by q.intent_id
        for update of q
    """),
    statement("""
        select from reservation
        where workspace_id = :workspace_id and person_no = any(:places::int[])
        order by intent_id, channel
        for update
    """),
]
_ADDRESSED = statement("""
    select intent_id, coalesce(side_no, person_no) as side_no, subject_no from intent
    where workspace_id = :workspace_id and person_no = any(:places::int[]) and subject_no = any(:subject_nos::int[])
""")
_MOVE = statement("""
    update intent i set person_no = t.person_no, side_no = nullif(t.side_no, t.person_no)
    from unnest(:side_nos::int[], :person_nos::int[]) as t(side_no, person_no)
    where i.workspace_id = :workspace_id and i.person_no = any(:places::int[])
      and coalesce(i.side_no, i.person_no) = t.side_no and i.person_no <> t.person_no
""")
_GIVE = statement("""
    update intent i set person_no = t.person_no, side_no = nullif(t.side_no, t.person_no)
    from unnest(:intent_ids::uuid[], :side_nos::int[], :person_nos::int[]) as t(intent_id, side_no, person_no)
    where i.workspace_id = :workspace_id and i.intent_id = t.intent_id
""")
_FOLLOW = [
    statement(f"""
        update {table} f set person_no = i.person_no
        from intent i
        where f.workspace_id = :workspace_id and f.person_no = any(:places::int[])
          and i.workspace_id = :workspace_id and i.intent_id = f.intent_id and i.person_no <> f.person_no
    """)
    for table in ("reservation", "inbox_message", "withdrawal")
]
# Plan: intent_side finds whoever holds messages of several sides, mostly nobody; then intent_person.
_ASKED_AS_OTHERS = statement("""
    with several as materialized (
        select distinct person_no from intent
        where workspace_id = :workspace_id and person_no = any(:person_nos::int[]) and side_no is not null
    )
    select
        i.intent_id, i.person_no, coalesce(i.side_no, i.person_no) as side_no, i.requested_at,
        case i.origin
            when 'journey' then 'journey:' || i.journey_id || ':' || i.node
            when 'campaign' then 'campaign:' || i.campaign_id
            else 'content:' || encode(i.content_key, 'hex')
        end as origin,
        q.due_at,
        case
            when q.step = 'handoff' or (q.step = 'send' and 'reserved' = any(s.slots)) then 1
            when q.step = 'send' and s.slots is null then 3
            else 0
        end as stage
    from several o
    join intent i on i.workspace_id = :workspace_id and i.person_no = o.person_no
    left join intent_queue q on q.workspace_id = i.workspace_id and q.intent_id = i.intent_id
    left join lateral (
        select array_agg(r.state) as slots from reservation r
        where r.workspace_id = i.workspace_id and r.intent_id = i.intent_id
    ) s on true
    where i.message_class <> 'transactional' and i.state not in ('dropped', 'failed') and i.requested_at > :since
""")


class Belonging(NamedTuple):
    """Whose an intent is by itself, and who that is now."""

    side_no: int
    person_no: int


class Addressed(NamedTuple):
    """An intent with the identifier it was addressed to."""

    intent_id: UUID
    side_no: int
    subject_no: int


async def hold_messages(tx: Tx, workspace_id: int, places: Collection[int]) -> None:
    """Lock queue and slots of the persons, in the order everybody keeps: person (before this), queue, slot, intent."""
    for hold in _HOLD:
        await tx.execute(hold, workspace_id=workspace_id, places=list(places))


async def addressed_to(
    tx: Tx, workspace_id: int, places: Collection[int], subject_nos: Collection[int]
) -> list[Addressed]:
    """Return the intents of persons that were addressed to one of the identifiers."""
    rows = await tx.fetch(_ADDRESSED, workspace_id=workspace_id, places=list(places), subject_nos=sorted(subject_nos))
    return [Addressed(row["intent_id"], row["side_no"], row["subject_no"]) for row in rows]


async def move_sides(tx: Tx, workspace_id: int, places: Collection[int], present: Mapping[int, int]) -> None:
    """Let the intents of sides that lie with `places` be whose the sides are now (side -> person)."""
    await tx.execute(
        _MOVE,
        workspace_id=workspace_id,
        places=list(places),
        side_nos=list(present),
        person_nos=list(present.values()),
    )


async def give_intents(tx: Tx, workspace_id: int, belongings: Mapping[UUID, Belonging]) -> None:
    """Set whose the intents are."""
    if belongings:
        await tx.execute(
            _GIVE,
            workspace_id=workspace_id,
            intent_ids=list(belongings),
            side_nos=[one.side_no for one in belongings.values()],
            person_nos=[one.person_no for one in belongings.values()],
        )


async def follow_intents(tx: Tx, workspace_id: int, places: Collection[int]) -> None:
    """Take slots, inbox and unsubscriptions that lie with `places` to where their intents are."""
    for follow in _FOLLOW:
        await tx.execute(follow, workspace_id=workspace_id, places=list(places))


async def asked_as_others(tx: Tx, workspace_id: int, person_nos: Sequence[int], since: datetime) -> dict[UUID, Asked]:
    """Return, of persons who hold messages of several sides, what was asked for since a time and was not refused."""
    rows = await tx.fetch(_ASKED_AS_OTHERS, workspace_id=workspace_id, person_nos=list(person_nos), since=since)
    return {
        row["intent_id"]: Asked(
            row["intent_id"],
            row["person_no"],
            row["side_no"],
            row["origin"],
            Stage(row["stage"]),
            row["requested_at"],
            row["due_at"],
        )
        for row in rows
    }
