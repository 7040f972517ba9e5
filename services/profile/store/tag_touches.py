"""Persons whose rule tags are to be asked about: one row a person, leased while he is asked about."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from libs.common.db import Tx, statement
from services.profile.domain.keys import PersonKey
from services.profile.store import guard

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
# who has no row gets one that asks for nothing: another's, inserted meanwhile, would be waited for out of line
_IN_LINE = """
insert into tag_touch as t (workspace_id, person_no, tags, received_at)
select workspace_id, person_no, '{}', '-infinity' from unnest(:workspace_ids::int[], :person_nos::int[])
    k (workspace_id, person_no)
order by 1, 2
on conflict (workspace_id, person_no) do update set touch_no = t.touch_no where false
"""
_DONE = """
delete from tag_touch t using unnest(:workspace_ids::int[], :person_nos::int[], :touch_nos::bigint[])
    k (workspace_id, person_no, touch_no)
where t.workspace_id = k.workspace_id and t.person_no = k.person_no
  and (k.touch_no is null or t.touch_no = k.touch_no or t.tags = '{}')
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


class _Answers(NamedTuple):
    """Persons and the number of the touch that is done with; None: of any, with what is asked for now."""

    of: Mapping[PersonKey, int | None]


async def _keep(tx: Tx, wishes: Sequence[_Wish | _Answers]) -> None:
    """Write all that a transaction says of touches at once: by and by, two transactions would wait for each other."""
    answers = {key: number for wish in wishes if isinstance(wish, _Answers) for key, number in wish.of.items()}
    forgotten = {key for key, number in answers.items() if number is None}
    asked = [wish._replace(people=wish.people - forgotten) for wish in wishes if isinstance(wish, _Wish)]
    if answers:
        await _settle(tx, answers, frozenset[PersonKey]().union(*(wish.people for wish in asked)))
    if any(wish.people for wish in asked):
        await _ask(tx, asked)


async def _settle(tx: Tx, answers: Mapping[PersonKey, int | None], others: Collection[PersonKey]) -> None:
    """Delete what is answered and free the rest, holding the rows of others who are touched after, too."""
    numbers = {**dict.fromkeys(others, 0), **answers}
    rows = {
        "workspace_ids": [person.workspace_id for person in numbers],
        "person_nos": [person.person_no for person in numbers],
    }
    await tx.execute(statement(_IN_LINE), **rows)
    await tx.execute(statement(_DONE), **rows, touch_nos=list(numbers.values()))
    for workspace_id in sorted({person.workspace_id for person in answers}):
        mine = [person.person_no for person in answers if person.workspace_id == workspace_id]
        await tx.execute(statement(_RELEASE), workspace_id=workspace_id, person_nos=mine)


async def _ask(tx: Tx, wishes: Sequence[_Wish]) -> None:
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
    """Be done with touches; who was touched again meanwhile is free to be asked about again: with the commit."""
    await guard.share_workspaces(tx, [workspace_id])
    if touches:
        tx.before_commit(_keep, _Answers({PersonKey(workspace_id, one.person_no): one.touch_no for one in touches}))


async def forget(tx: Tx, people: Collection[PersonKey]) -> None:
    """Ask nothing about persons any more, not even what this transaction asks for: with the commit."""
    if people:
        tx.before_commit(_keep, _Answers(dict.fromkeys(people)))


async def release(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> None:
    """Give up a lease."""
    await guard.share_workspaces(tx, [workspace_id])
    await tx.execute(statement(_HOLD), workspace_id=workspace_id, person_nos=list(person_nos))
    await tx.execute(statement(_RELEASE), workspace_id=workspace_id, person_nos=list(person_nos))


async def open_touches(tx: Tx, workspace_id: int) -> int:
    """Return how many persons wait."""
    count: int = await tx.fetch_value(statement(_OPEN), workspace_id=workspace_id)
    return count
