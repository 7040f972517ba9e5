"""Identifiers: their tombstones, what finds them, and the zone and language they were last seen with."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from libs.common.db import Tx, load_sql, statement
from services.profile.domain.keys import SubjectKey
from services.profile.store.columns import columns


class Description(NamedTuple):
    """What identity tells of an identifier; it never changes."""

    workspace_id: int
    subject_no: int
    namespace: str
    scope: str
    lookup: bytes | None
    sealed_value: str | None


class Locality(NamedTuple):
    """The zone and language an identifier was seen with at a time; the latest of each counts."""

    workspace_id: int
    subject_no: int
    at: datetime
    timezone: str | None
    locale: str | None


_NOTE = """
insert into subject (workspace_id, subject_no)
select * from unnest(:workspace_ids::int[], :subject_nos::int[])
on conflict do nothing
"""
_LOCK = """
select s.workspace_id, s.subject_no, s.erased from subject s
join unnest(:workspace_ids::int[], :subject_nos::int[]) k (workspace_id, subject_no) using (workspace_id, subject_no)
order by s.workspace_id, s.subject_no
for no key update of s
"""
_ERASED = """
select s.workspace_id, s.subject_no from subject s
join unnest(:workspace_ids::int[], :subject_nos::int[]) k (workspace_id, subject_no) using (workspace_id, subject_no)
where s.erased
"""
_DESCRIBE = """
update subject s set namespace = d.namespace, scope = d.scope, lookup = d.lookup, sealed_value = d.sealed_value
from unnest(
    :workspace_ids::int[], :subject_nos::int[], :namespaces::text[], :scopes::text[], :lookups::bytea[], :values::text[]
) d (workspace_id, subject_no, namespace, scope, lookup, sealed_value)
where s.workspace_id = d.workspace_id and s.subject_no = d.subject_no and s.namespace is null and not s.erased
"""
_AFTER = """
select subject_no from subject where workspace_id = :workspace_id and subject_no > :after_no
order by subject_no limit :row_limit
"""
_LOCALITY = load_sql(__file__, "note_locality.sql")
_BY_LOOKUP = """
select lookup, subject_no from subject
where workspace_id = :workspace_id and lookup = any(:lookups::bytea[]) and not erased
"""
_LOCALITIES = load_sql(__file__, "localities_of_persons.sql")


def _keyed(subjects: Iterable[SubjectKey]) -> dict[str, list[int]]:
    return columns(("workspace_ids", "subject_nos"), sorted(set(subjects)))


async def erased_subjects(tx: Tx, subjects: Iterable[SubjectKey]) -> set[SubjectKey]:
    """Return those of the identifiers that were erased."""
    return {SubjectKey(*record) for record in await tx.fetch(statement(_ERASED), **_keyed(subjects))}


async def numbers_after(tx: Tx, workspace_id: int, after_no: int, limit: int) -> list[int]:
    """Return the next identifiers by number."""
    records = await tx.fetch(statement(_AFTER), workspace_id=workspace_id, after_no=after_no, row_limit=limit)
    return [record["subject_no"] for record in records]


async def note_subjects(tx: Tx, subjects: Iterable[SubjectKey]) -> None:
    """Make sure these identifiers have a row."""
    await tx.execute(statement(_NOTE), **_keyed(subjects))


async def lock_subjects(tx: Tx, subjects: Iterable[SubjectKey]) -> set[SubjectKey]:
    """Keep ownership and facts of these identifiers still until the commit; return those that are not erased.

    Taken before persons are locked, always in this order, so that a move and a fact meet one after the other.
    """
    records = await tx.fetch(statement(_LOCK), **_keyed(subjects))
    return {SubjectKey(r["workspace_id"], r["subject_no"]) for r in records if not r["erased"]}


async def describe_subjects(tx: Tx, descriptions: Collection[Description]) -> None:
    """Keep what identity tells of identifiers."""
    names = ("workspace_ids", "subject_nos", "namespaces", "scopes", "lookups", "values")
    await tx.execute(statement(_DESCRIBE), **columns(names, descriptions))


async def note_localities(tx: Tx, localities: Collection[Locality]) -> None:
    """Keep the latest zone and the latest language of each locked identifier; equal times go to the greater text."""
    zones: dict[SubjectKey, tuple[datetime, str]] = {}
    languages: dict[SubjectKey, tuple[datetime, str]] = {}
    for seen in localities:
        key = SubjectKey(seen.workspace_id, seen.subject_no)
        if seen.timezone is not None:
            zones[key] = max(zones.get(key, (seen.at, "")), (seen.at, seen.timezone))
        if seen.locale is not None:
            languages[key] = max(languages.get(key, (seen.at, "")), (seen.at, seen.locale))
    rows = [
        (*key, *zones.get(key, (None, None)), *languages.get(key, (None, None))) for key in sorted({*zones, *languages})
    ]
    names = ("workspace_ids", "subject_nos", "timezone_ats", "timezones", "locale_ats", "locales")
    if rows:
        await tx.execute(_LOCALITY, **columns(names, rows))


async def subjects_of_lookups(tx: Tx, workspace_id: int, lookups: Collection[bytes]) -> dict[bytes, int]:
    """Return the identifiers found by the keyed hash of their value."""
    records = await tx.fetch(statement(_BY_LOOKUP), workspace_id=workspace_id, lookups=list(lookups))
    return {record["lookup"]: record["subject_no"] for record in records}


async def localities_of_persons(
    tx: Tx, workspace_id: int, person_nos: Collection[int]
) -> dict[int, tuple[str | None, str | None]]:
    """Return the zone and the language each person was last seen with."""
    records = await tx.fetch(_LOCALITIES, workspace_id=workspace_id, person_nos=list(person_nos))
    return {record["person_no"]: (record["timezone"], record["locale"]) for record in records}
