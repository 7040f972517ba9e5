"""Persons whose rule tags are to be asked about: one row a person, leased while he is asked about."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from libs.common.db import Tx, statement
from services.profile.domain.keys import PersonKey

STREAMING, EVERY, QUIET = "*", "**", "~"
"""In place of a tag's name: every rule that streams, every rule. Beside one: no journey starts from what is found."""


class TagTouch(NamedTuple):
    """A person, the tags to be asked about, and the row's number: another one means that he was touched again."""

    person_no: int
    tags: list[str]
    touch_no: int
    received_at: datetime


_TOUCH = """
insert into tag_touch as t (workspace_id, person_no, tags, received_at)
select k.workspace_id, k.person_no, array(select jsonb_array_elements_text(k.tags)), k.received_at
from jsonb_to_recordset(:rows) as k(
    workspace_id integer, person_no integer, tags jsonb, every boolean, received_at timestamptz
)
where exists (
    select from tag_catalogue c
    where c.workspace_id = k.workspace_id and c.kind = 'rule' and (k.every or c.refresh = 'streaming')
)
order by 1, 2
on conflict (workspace_id, person_no) do update set
    tags = array(select distinct each from unnest(t.tags || excluded.tags) each order by each),
    touch_no = excluded.touch_no, received_at = greatest(t.received_at, excluded.received_at)
"""
_CLAIM = """
with due as (
    select q.workspace_id, q.person_no from tag_touch q
    join workspace w on w.workspace_id = q.workspace_id and not w.held
    where q.leased_until < clock_timestamp() and q.workspace_id = (
        select workspace_id from tag_touch where leased_until < clock_timestamp() order by touch_no limit 1
    )
    order by q.touch_no limit :row_limit for update of q skip locked
)
update tag_touch t set leased_until = clock_timestamp() + interval '60 seconds' from due
where t.workspace_id = due.workspace_id and t.person_no = due.person_no
returning t.workspace_id, t.person_no, t.tags, t.touch_no, t.received_at
"""
_HOLD = """
select from tag_touch where workspace_id = :workspace_id and person_no = any(:person_nos::int[])
order by person_no for update
"""
_DONE = """
delete from tag_touch t using unnest(:person_nos::int[], :touch_nos::bigint[]) k (person_no, touch_no)
where t.workspace_id = :workspace_id and t.person_no = k.person_no and t.touch_no = k.touch_no
"""
_RELEASE = """
update tag_touch set leased_until = '-infinity'
where workspace_id = :workspace_id and person_no = any(:person_nos::int[])
"""
_OPEN = "select count(*) from tag_touch where workspace_id = :workspace_id"


async def touch(
    tx: Tx, people: Iterable[PersonKey], *, received_at: datetime, tags: Collection[str] = (STREAMING,)
) -> None:
    """Ask for persons' rules to be asked about, where their workspace has such rules: with the commit."""
    wanted = frozenset(people)
    if wanted and tags:
        tx.before_commit(_keep, _Wish(wanted, frozenset(tags), received_at))


class _Wish(NamedTuple):
    people: frozenset[PersonKey]
    tags: frozenset[str]
    received_at: datetime


async def _keep(tx: Tx, wishes: Sequence[_Wish]) -> None:
    """Write all touches of a transaction in one statement: by several, two transactions would wait for each other."""
    found: dict[PersonKey, tuple[frozenset[str], datetime]] = {}
    for wish in wishes:
        for person in wish.people:
            tags, received_at = found.get(person, (wish.tags, wish.received_at))
            found[person] = tags | wish.tags, max(received_at, wish.received_at)
    rows = [
        {
            "workspace_id": person.workspace_id,
            "person_no": person.person_no,
            "tags": sorted(tags),
            "every": tags != {STREAMING},
            "received_at": received_at.isoformat(),
        }
        for person, (tags, received_at) in found.items()
    ]
    await tx.execute(statement(_TOUCH), rows=rows)


async def claim(tx: Tx, limit: int) -> tuple[int, list[TagTouch]]:
    """Lease up to `limit` persons of one workspace; return it (0: nobody waits) and them."""
    records = await tx.fetch(statement(_CLAIM), row_limit=limit)
    touches = [TagTouch(r["person_no"], list(r["tags"]), r["touch_no"], r["received_at"]) for r in records]
    return (records[0]["workspace_id"] if records else 0), sorted(touches)


async def settle(tx: Tx, workspace_id: int, touches: Collection[TagTouch]) -> None:
    """Forget touches that are answered; who was touched again meanwhile is free to be asked about again."""
    numbers = [one.person_no for one in touches]
    await tx.execute(statement(_HOLD), workspace_id=workspace_id, person_nos=numbers)
    await tx.execute(
        statement(_DONE), workspace_id=workspace_id, person_nos=numbers, touch_nos=[one.touch_no for one in touches]
    )
    await release(tx, workspace_id, numbers)


async def release(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> None:
    """Give up a lease."""
    await tx.execute(statement(_HOLD), workspace_id=workspace_id, person_nos=list(person_nos))
    await tx.execute(statement(_RELEASE), workspace_id=workspace_id, person_nos=list(person_nos))


async def open_touches(tx: Tx, workspace_id: int) -> int:
    """Return how many persons wait."""
    count: int = await tx.fetch_value(statement(_OPEN), workspace_id=workspace_id)
    return count
