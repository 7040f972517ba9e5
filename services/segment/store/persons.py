"""Persons, as the graph tells."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Literal
from uuid import UUID

from pyroaring import BitMap

from libs.common.db import Tx, load_sql, statement

State = Literal[1, 2, 3]
ALIVE: State = 1
MERGED: State = 2
ERASED: State = 3
_ENSURE = statement(
    """
    insert into segment.person (workspace_id, person_no, person_id)
    select :workspace_id::int, given.person_no, given.person_id
    from unnest(:person_nos::int[], :person_ids::uuid[]) as given (person_no, person_id)
    order by given.person_no
    on conflict (workspace_id, person_no) do update set person_id = excluded.person_id
    where person.person_id is null and excluded.person_id is not null
    """
)
_KNOWN_SINCE = statement(
    """
    update segment.person set first_known = least(person.first_known, given.first_known)
    from unnest(:person_nos::int[], :times::timestamptz[]) as given (person_no, first_known)
    where person.workspace_id = :workspace_id::int and person.person_no = given.person_no
      and (person.first_known is null or person.first_known > given.first_known)
    returning person.person_no
    """
)
_SET_STATE = statement(
    """
    insert into segment.person as known (workspace_id, person_no, person_id, state, merged_into, version)
    select distinct on (given.person_no)
        :workspace_id::int, given.person_no, given.person_id, :state::smallint, :merged_into::int, given.version
    from unnest(:person_nos::int[], :person_ids::uuid[], :versions::bigint[]) as given (person_no, person_id, version)
    order by given.person_no, given.version desc
    on conflict (workspace_id, person_no) do update
    set state = excluded.state, merged_into = excluded.merged_into, version = excluded.version,
        person_id = coalesce(excluded.person_id, known.person_id)
    where known.version < excluded.version and known.state <> 3
    returning person_no
    """
)
_HOLD = statement(
    """
    select from segment.person
    where workspace_id = :workspace_id::int and person_no = any(:person_nos::int[])
    order by person_no for share
    """
)
_HOLD_TO_CHANGE = statement(
    """
    select from segment.person
    where workspace_id = :workspace_id::int and person_no = any(:person_nos::int[])
    order by person_no for update
    """
)
_SNAPSHOT = statement(
    """
    select person_no, person_id, state from segment.person
    where workspace_id = :workspace_id::int and person_no = any(:person_nos::int[])
    """
)
_GONE = statement(
    """
    select person_no from segment.person
    where workspace_id = :workspace_id::int and person_no = any(:person_nos::int[]) and state <> 1
    """
)
_UNKNOWN = statement(
    """
    select given.person_no from unnest(:person_nos::int[]) as given (person_no)
    where not exists (
        select from segment.person as known
        where known.workspace_id = :workspace_id::int and known.person_no = given.person_no and known.state <> 3
    )
    """
)
_EVERYBODY = statement("select person_no from segment.person where workspace_id = :workspace_id and state = 1")
_TELLING = statement("select pg_advisory_xact_lock(7306, :workspace_id::int)")
_FIRST_KNOWN = load_sql(__file__, "first_known.sql")
_EVERYBODY_KNOWN = statement(
    "select person_no from segment.person where workspace_id = :workspace_id::int and state = 1"
    " and person_no > :after::int order by person_no limit :most"
)
_PRESENT = load_sql(__file__, "present.sql")
_ENDED_IN = load_sql(__file__, "ended_in.sql")


@dataclass(frozen=True, slots=True)
class FirstKnown:
    """Since when a person is known, those merged into him included, and whether anything of his names somebody.

    `version` grows with each answer.
    """

    person_no: int
    first_known: datetime
    is_named: bool
    version: int


async def known_since(tx: Tx, workspace_id: int, times: Mapping[int, datetime]) -> list[int]:
    """Note since when persons are known, the earliest time told; return those of whom no time so early was known."""
    rows = await tx.fetch(
        _KNOWN_SINCE, workspace_id=workspace_id, person_nos=list(times), times=[times[one] for one in times]
    )
    return [row["person_no"] for row in rows]


async def first_known(tx: Tx, workspace_id: int, person_nos: Sequence[int]) -> list[FirstKnown]:
    """Return who those of the persons that are alive are; one transaction after the other, so that versions stand."""
    await tx.execute(_TELLING, workspace_id=workspace_id)
    rows = await tx.fetch(_FIRST_KNOWN, workspace_id=workspace_id, person_nos=list(person_nos))
    return [FirstKnown(**dict(row)) for row in rows]


async def everybody_after(tx: Tx, workspace_id: int, after: int, most: int) -> list[int]:
    """Return the next persons of the universe by number."""
    rows = await tx.fetch(_EVERYBODY_KNOWN, workspace_id=workspace_id, after=after, most=most)
    return [row["person_no"] for row in rows]


async def ensure_persons(tx: Tx, workspace_id: int, persons: dict[int, UUID | None]) -> None:
    """Make persons known that are not yet."""
    await tx.execute(_ENSURE, workspace_id=workspace_id, person_nos=list(persons), person_ids=list(persons.values()))


async def set_state(
    tx: Tx,
    workspace_id: int,
    persons: Sequence[tuple[int, UUID | None, int]],
    *,
    state: State,
    merged_into: int | None = None,
) -> list[int]:
    """Set the state of (person, id, version) unless a newer one is known; return those that took it.

    An erased one stays erased.
    """
    rows = await tx.fetch(
        _SET_STATE,
        workspace_id=workspace_id,
        person_nos=[person_no for person_no, _, _ in persons],
        person_ids=[person_id for _, person_id, _ in persons],
        versions=[version for _, _, version in persons],
        state=state,
        merged_into=merged_into,
    )
    return [row["person_no"] for row in rows]


async def hold_to_change(tx: Tx, whom: Iterable[tuple[int, int]]) -> None:
    """Let nobody else change these (workspace, person) until the commit: all of a batch, at once and in order."""
    for workspace_id, persons in groupby(sorted(set(whom)), key=itemgetter(0)):
        await tx.execute(_HOLD_TO_CHANGE, workspace_id=workspace_id, person_nos=[person_no for _, person_no in persons])


async def hold(tx: Tx, workspace_id: int, person_nos: Sequence[int]) -> None:
    """Let nobody merge or split these persons until the commit; waits for whoever is about it."""
    await tx.execute(_HOLD, workspace_id=workspace_id, person_nos=sorted(set(person_nos)))


async def snapshot(tx: Tx, workspace_id: int, person_nos: Sequence[int]) -> dict[int, tuple[int, UUID | None]]:
    """Return (state, person id) of persons."""
    rows = await tx.fetch(_SNAPSHOT, workspace_id=workspace_id, person_nos=list(person_nos))
    return {row["person_no"]: (row["state"], row["person_id"]) for row in rows}


async def still_there(tx: Tx, workspace_id: int, person_nos: Sequence[int]) -> dict[int, UUID | None]:
    """Return the persons but those erased or merged into others, in their order, with their ids.

    Those are members, and found, until a round comes. Who was not told of yet is there.
    """
    known = await snapshot(tx, workspace_id, person_nos)
    told = {number: known.get(number, (ALIVE, None)) for number in person_nos}
    return {number: person_id for number, (state, person_id) in told.items() if state == ALIVE}


async def gone(tx: Tx, workspace_id: int, person_nos: Sequence[int]) -> BitMap:
    """Return those of any number of persons who are erased or merged into others."""
    rows = await tx.fetch(_GONE, workspace_id=workspace_id, person_nos=list(person_nos))
    return BitMap(row["person_no"] for row in rows)


async def unknown(tx: Tx, workspace_id: int, person_nos: Sequence[int]) -> set[int]:
    """Return those whom nobody told of, or who are erased."""
    return {
        row["person_no"] for row in await tx.fetch(_UNKNOWN, workspace_id=workspace_id, person_nos=list(person_nos))
    }


async def present(tx: Tx, workspace_id: int, person_nos: Sequence[int]) -> dict[int, int]:
    """Return who those of the persons are now that were merged into others; the rest stand for themselves."""
    rows = await tx.fetch(_PRESENT, workspace_id=workspace_id, person_nos=list(person_nos))
    return {row["person_no"]: row["present"] for row in rows}


async def ended_in(tx: Tx, workspace_id: int, person_nos: Sequence[int]) -> dict[int, BitMap]:
    """Return who was merged into those of the persons that anybody was, however indirectly."""
    found: dict[int, BitMap] = {}
    for row in await tx.fetch(_ENDED_IN, workspace_id=workspace_id, person_nos=list(person_nos)):
        found.setdefault(row["person_no"], BitMap()).add(row["ended"])
    return found


async def everybody(tx: Tx, workspace_id: int) -> list[int]:
    """Return the universe."""
    return [row["person_no"] for row in await tx.fetch(_EVERYBODY, workspace_id=workspace_id)]
