"""Persons and who owns which subject, as the graph tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

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
_REDIRECT = statement(
    """
    update segment.person set merged_into = :survivor::int
    where workspace_id = :workspace_id::int and merged_into = any(:absorbed::int[]) and person_no <> :survivor::int
    """
)
_MOVE_SUBJECTS = statement(
    """
    update segment.subject set person_no = :owner::int
    where workspace_id = :workspace_id::int and person_no = any(:from_persons::int[])
    returning subject_no
    """
)
_GIVE_SUBJECTS = statement(
    """
    update segment.subject set person_no = :owner::int
    where workspace_id = :workspace_id::int and subject_no = any(:subject_nos::bigint[]) and person_no <> :owner::int
      and person_no <> 0
    returning subject_no
    """
)
_OVERRIDES = statement(
    """
    update segment.subject set overridden = true
    where workspace_id = :workspace_id::int and subject_no = any(:subject_nos::bigint[]) and (moved or overridden)
    returning subject_no, person_no, nextval('segment.override_version') as version
    """
)
_OWNERS = statement(
    """
    select subject_no, person_no, moved and not overridden as news from segment.subject
    where workspace_id = :workspace_id::int and subject_no = any(:subject_nos::bigint[])
    """
)
_SNAPSHOT = statement(
    """
    select person_no, person_id, state from segment.person
    where workspace_id = :workspace_id::int and person_no = any(:person_nos::int[])
    """
)
_STORED_UNDER = statement(
    """
    select distinct under.person_no
    from segment.subject
    cross join unnest(subject.stored_under) as under (person_no)
    where subject.workspace_id = :workspace_id::int and subject.moved and subject.person_no = any(:person_nos::int[])
    """
)
_ANY_OVERRIDE = statement(
    "select exists (select from segment.subject where workspace_id = :workspace_id and overridden)"
)
_EVERYBODY = statement("select person_no from segment.person where workspace_id = :workspace_id and state = 1")
_BURY_SUBJECTS = statement(
    """
    insert into segment.subject as known (workspace_id, subject_no, person_no, version)
    select :workspace_id::int, given.subject_no, 0, 9223372036854775807
    from unnest(:subject_nos::bigint[]) as given (subject_no)
    order by given.subject_no
    on conflict (workspace_id, subject_no) do update
    set person_no = 0, version = excluded.version, stored_under = '{}', overridden = false
    """
)
_DISOWN = statement(
    """
    delete from segment.subject
    where workspace_id = :workspace_id::int and person_no = any(:person_nos::int[])
    """
)
_PRESENT = load_sql(__file__, "present.sql")
_SETTLE_OWNERS = load_sql(__file__, "settle_owners.sql")
_STORE_EVENTS = load_sql(__file__, "store_events.sql")
_CHANGE_OWNERS = load_sql(__file__, "change_owners.sql")


@dataclass(frozen=True, slots=True)
class Override:
    """The present owner of a subject whose events were stored under another person."""

    subject_no: int
    person_no: int
    version: int


@dataclass(frozen=True, slots=True)
class OwnerChange:
    """A subject that went from one person to another."""

    subject_no: int
    person_no: int
    person_before: int


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


async def absorb(tx: Tx, workspace_id: int, *, absorbed: Sequence[int], survivor: int) -> list[int]:
    """Give all subjects of the absorbed persons to the survivor; return the subjects."""
    await tx.execute(_REDIRECT, workspace_id=workspace_id, absorbed=list(absorbed), survivor=survivor)
    rows = await tx.fetch(_MOVE_SUBJECTS, workspace_id=workspace_id, from_persons=list(absorbed), owner=survivor)
    return [row["subject_no"] for row in rows]


async def give_subjects(tx: Tx, workspace_id: int, *, owner: int, subject_nos: Sequence[int]) -> list[int]:
    """Give subjects to a person; return those that had another owner."""
    rows = await tx.fetch(_GIVE_SUBJECTS, workspace_id=workspace_id, owner=owner, subject_nos=list(subject_nos))
    return [row["subject_no"] for row in rows]


async def change_owners(
    tx: Tx, workspace_id: int, *, subject_nos: list[int], person_nos: list[int], versions: list[int]
) -> list[OwnerChange]:
    """Take over ownership facts; return the subjects known before that went to another person."""
    rows = await tx.fetch(
        _CHANGE_OWNERS, workspace_id=workspace_id, subject_nos=subject_nos, person_nos=person_nos, versions=versions
    )
    return [OwnerChange(row["subject_no"], row["person_no"], row["person_before"]) for row in rows]


async def owners_after_storing(
    tx: Tx, workspace_id: int, *, subject_nos: list[int], person_nos: list[int]
) -> tuple[dict[int, int], list[int]]:
    """Note under whom events are stored; return each subject's present owner, and subjects that need an override."""
    await tx.execute(_STORE_EVENTS, workspace_id=workspace_id, subject_nos=subject_nos, person_nos=person_nos)
    rows = await tx.fetch(_OWNERS, workspace_id=workspace_id, subject_nos=list(dict.fromkeys(subject_nos)))
    return {row["subject_no"]: row["person_no"] for row in rows}, [row["subject_no"] for row in rows if row["news"]]


async def overrides_of(tx: Tx, workspace_id: int, subject_nos: Sequence[int]) -> list[Override]:
    """Return the overrides these subjects need now."""
    rows = await tx.fetch(_OVERRIDES, workspace_id=workspace_id, subject_nos=list(subject_nos))
    return [Override(row["subject_no"], row["person_no"], row["version"]) for row in rows]


async def snapshot(tx: Tx, workspace_id: int, person_nos: Sequence[int]) -> dict[int, tuple[int, UUID | None]]:
    """Return (state, person id) of persons."""
    rows = await tx.fetch(_SNAPSHOT, workspace_id=workspace_id, person_nos=list(person_nos))
    return {row["person_no"]: (row["state"], row["person_id"]) for row in rows}


async def present(tx: Tx, workspace_id: int, person_nos: Sequence[int]) -> dict[int, int]:
    """Return who those of the persons are now that were merged into others; the rest stand for themselves."""
    rows = await tx.fetch(_PRESENT, workspace_id=workspace_id, person_nos=list(person_nos))
    return {row["person_no"]: row["present"] for row in rows}


async def settle_owners(tx: Tx, workspace_id: int, person_nos: Sequence[int]) -> list[int]:
    """Give subjects that merged persons still hold to whom these are now; return the subjects."""
    merged = await present(tx, workspace_id, person_nos)
    if not merged:
        return []
    rows = await tx.fetch(
        _SETTLE_OWNERS, workspace_id=workspace_id, person_nos=list(merged), presents=list(merged.values())
    )
    return [row["subject_no"] for row in rows]


async def stored_under(tx: Tx, workspace_id: int, person_nos: Sequence[int]) -> list[int]:
    """Return the past numbers under which events of these persons may lie."""
    rows = await tx.fetch(_STORED_UNDER, workspace_id=workspace_id, person_nos=list(person_nos))
    return [row["person_no"] for row in rows]


async def has_overrides(tx: Tx, workspace_id: int) -> bool:
    """Tell whether any subject of the workspace changed its owner after events of it were stored."""
    return bool(await tx.fetch_value(_ANY_OVERRIDE, workspace_id=workspace_id))


async def everybody(tx: Tx, workspace_id: int) -> list[int]:
    """Return the universe."""
    return [row["person_no"] for row in await tx.fetch(_EVERYBODY, workspace_id=workspace_id)]


async def bury_subjects(tx: Tx, workspace_id: int, *, person_nos: Sequence[int], subject_nos: Sequence[int]) -> None:
    """Let erased subjects be nobody's for good, whatever is still told of them; the persons own nothing else here."""
    await tx.execute(_BURY_SUBJECTS, workspace_id=workspace_id, subject_nos=sorted(set(subject_nos)))
    await tx.execute(_DISOWN, workspace_id=workspace_id, person_nos=list(person_nos))
