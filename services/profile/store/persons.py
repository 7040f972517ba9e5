"""Persons as identity told of them, their redirects, and the counter of what is said about them."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import groupby
from typing import Literal, NamedTuple
from uuid import UUID

from libs.common.db import Tx, load_sql, statement
from services.profile.domain.keys import PersonKey
from services.profile.store.columns import columns

PersonState = Literal["active", "merged", "erased"]


class PersonRow(NamedTuple):
    """A person; `canonical_no` is where his redirects end (himself, unless merged)."""

    person_no: int
    canonical_no: int
    person_id: UUID | None
    state: PersonState


class Standing(NamedTuple):
    """What a person became at a version of the graph."""

    workspace_id: int
    person_no: int
    person_id: UUID
    state: PersonState
    redirect_to: int | None
    graph_version: int
    received_at: datetime


Seen = Mapping[PersonKey, tuple[UUID | None, datetime]]
"""What events say of persons: the id, where they do, and when that was received."""

_NOTE = """
insert into person (workspace_id, person_no, person_id, received_at)
select * from unnest(:workspace_ids::int[], :person_nos::int[], :person_ids::uuid[], :received::timestamptz[])
on conflict do nothing
"""
_UNNAMED = """
select p.workspace_id, p.person_no from person p
join unnest(:workspace_ids::int[], :person_nos::int[]) k (workspace_id, person_no) using (workspace_id, person_no)
where p.person_id is null
"""
_NAME = """
update person p set person_id = k.person_id
from unnest(:workspace_ids::int[], :person_nos::int[], :person_ids::uuid[]) k (workspace_id, person_no, person_id)
where p.workspace_id = k.workspace_id and p.person_no = k.person_no
  and p.person_id is null and k.person_id is not null
"""
_LOCK = """
select p.workspace_id, p.person_no, p.version, p.state from person p
join unnest(:workspace_ids::int[], :person_nos::int[]) k (workspace_id, person_no) using (workspace_id, person_no)
order by p.workspace_id, p.person_no
for no key update of p
"""
_RAISE = """
update person p set version = p.version + 1
from unnest(:workspace_ids::int[], :person_nos::int[]) k (workspace_id, person_no)
where p.workspace_id = k.workspace_id and p.person_no = k.person_no
"""
_STAND = """
insert into person as p (workspace_id, person_no, person_id, state, redirect_to, graph_version, received_at)
values (:workspace_id, :person_no, :person_id, :state, :redirect_to, :graph_version, :received_at)
on conflict (workspace_id, person_no) do update set
    person_id = excluded.person_id,
    state = excluded.state,
    redirect_to = excluded.redirect_to,
    graph_version = excluded.graph_version
where p.state <> 'erased' and (excluded.state = 'erased' or excluded.graph_version > p.graph_version)
"""
_RESOLVE = load_sql(__file__, "resolve_persons.sql")
_BY_ID = "select person_no from person where workspace_id = :workspace_id and person_id = :person_id order by person_no"
_NUMBERS = """
select person_id, min(person_no) as person_no from person
where workspace_id = :workspace_id and person_id = any(:person_ids::uuid[]) group by person_id
"""
_ALIASES = load_sql(__file__, "aliases_of_persons.sql")
_ACTIVE = """
select person_no from person where workspace_id = :workspace_id and person_no > :after_no and state = 'active'
order by person_no limit :row_limit
"""
_ERASED = """
select p.workspace_id, p.person_no from person p
join unnest(:workspace_ids::int[], :person_nos::int[]) k (workspace_id, person_no) using (workspace_id, person_no)
where p.state = 'erased'
"""


def _keyed(persons: Iterable[PersonKey]) -> dict[str, list[int]]:
    return columns(("workspace_ids", "person_nos"), sorted(set(persons)))


async def note_persons(tx: Tx, seen: Seen) -> Seen:
    """Make sure these persons have a row; return those whose id was not known, to be named once they are locked."""
    rows = [(*key, *seen[key]) for key in sorted(seen)]
    await tx.execute(statement(_NOTE), **columns(("workspace_ids", "person_nos", "person_ids", "received"), rows))
    records = await tx.fetch(statement(_UNNAMED), **_keyed(key for key, (person_id, _) in seen.items() if person_id))
    return {key: seen[key] for key in (PersonKey(*record) for record in records)}


async def name_persons(tx: Tx, unnamed: Seen) -> None:
    """Keep the ids of locked persons that had none."""
    if unnamed:
        rows = [(*key, unnamed[key][0]) for key in sorted(unnamed)]
        await tx.execute(statement(_NAME), **columns(("workspace_ids", "person_nos", "person_ids"), rows))


async def lock_persons(tx: Tx, persons: Iterable[PersonKey]) -> dict[PersonKey, int]:
    """Keep others from folding these persons until the commit; return their versions. Unknown and erased fall out.

    Whoever changes persons in several steps locks all of them at once, before the first: two that locked step by step
    would wait for each other.
    """
    records = await tx.fetch(statement(_LOCK), **_keyed(persons))
    return {PersonKey(r["workspace_id"], r["person_no"]): r["version"] for r in records if r["state"] != "erased"}


class _Moved(Exception):
    pass


async def lock_found(tx: Tx, find: Callable[[], Awaitable[set[PersonKey]]]) -> set[PersonKey]:
    """Lock whom `find` returns, and return whom it returns once they are locked.

    Who joined them while this waited for others is not locked after them, out of line: all are let go of, and locked
    anew with him.
    """
    found = await find()
    while found:
        joined: set[PersonKey] = set()
        with suppress(_Moved):
            async with tx.savepoint():
                await lock_persons(tx, found)
                now = await find()
                joined = now - found
                if not joined:
                    return now
                raise _Moved
        found |= joined
    return found


async def raise_versions(tx: Tx, persons: Iterable[PersonKey]) -> None:
    """Count one more statement about each of these locked persons."""
    await tx.execute(statement(_RAISE), **_keyed(persons))


async def apply_standing(tx: Tx, standings: Collection[Standing]) -> None:
    """Take over what identity says of persons, unless something newer is known; erased is final."""
    # One statement a person: a merge or split names few, and one batch may name the same person twice.
    for standing in sorted(standings, key=lambda s: (s.workspace_id, s.person_no, s.graph_version)):
        await tx.execute(statement(_STAND), **standing._asdict())


async def resolve_persons(tx: Tx, workspace_id: int, person_nos: Iterable[int]) -> dict[int, PersonRow]:
    """Return each known person at the end of his redirects."""
    asked = sorted(set(person_nos))
    records = await tx.fetch(_RESOLVE, workspace_id=workspace_id, person_nos=asked)
    return {r["asked"]: PersonRow(r["asked"], r["person_no"], r["person_id"], r["state"]) for r in records}


async def active_after(tx: Tx, workspace_id: int, after_no: int, limit: int) -> list[int]:
    """Return the next persons, neither merged nor erased, by number."""
    records = await tx.fetch(statement(_ACTIVE), workspace_id=workspace_id, after_no=after_no, row_limit=limit)
    return [record["person_no"] for record in records]


async def with_survivors(tx: Tx, people: Iterable[PersonKey]) -> set[PersonKey]:
    """Return these persons and those at the end of their redirects."""
    found = set(people)
    # a batch of the bus is of one workspace, or of few
    for workspace_id, mine in groupby(sorted(found), key=lambda person: person.workspace_id):
        rows = await resolve_persons(tx, workspace_id, [person.person_no for person in mine])
        found |= {PersonKey(workspace_id, row.canonical_no) for row in rows.values()}
    return found


async def find_person(tx: Tx, workspace_id: int, person_id: UUID) -> PersonRow | None:
    """Return the person an id leads to."""
    number = await tx.fetch_value(statement(_BY_ID), workspace_id=workspace_id, person_id=person_id)
    return (await resolve_persons(tx, workspace_id, [number])).get(number) if number is not None else None


async def numbers_of(tx: Tx, workspace_id: int, person_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return the numbers of the ids that are known."""
    records = await tx.fetch(statement(_NUMBERS), workspace_id=workspace_id, person_ids=sorted(set(person_ids)))
    return {r["person_id"]: r["person_no"] for r in records}


async def aliases_of(tx: Tx, workspace_id: int, person_nos: Iterable[int]) -> dict[int, list[int]]:
    """Return each person's own number and those of the persons that redirect to him."""
    found: dict[int, list[int]] = {}
    for record in await tx.fetch(_ALIASES, workspace_id=workspace_id, person_nos=sorted(set(person_nos))):
        found.setdefault(record["root"], []).append(record["person_no"])
    return found


async def erased_among(tx: Tx, persons: Iterable[PersonKey]) -> set[PersonKey]:
    """Return those of the persons who were erased."""
    records = await tx.fetch(statement(_ERASED), **_keyed(persons))
    return {PersonKey(r["workspace_id"], r["person_no"]) for r in records}
