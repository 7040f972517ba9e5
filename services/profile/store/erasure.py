"""Deleting everything that is held of a person, and the receipt."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.db import Tx, statement
from services.profile.domain.keys import PersonKey
from services.profile.store import tag_touches


class Receipt(NamedTuple):
    """How many rows of which table an erasure deleted."""

    erasure_id: UUID
    person_id: UUID
    counts: Mapping[str, int]
    erased_at: datetime


_SUBJECTS = "workspace_id = :workspace_id and {column} = any(:subject_nos::int[])"
_PERSONS = "workspace_id = :workspace_id and {column} = any(:person_nos::int[])"
# with the lines that an event of an erased identifier left about all that its person held
_LINES_OF_SUBJECTS = """
workspace_id = :workspace_id and event_id in (
    select event_id from consent_ledger
    where workspace_id = :workspace_id and (
        (subject_no <> 0 and subject_no = any(:subject_nos::int[]))
        or lookup in (
            select lookup from subject
            where workspace_id = :workspace_id and subject_no = any(:subject_nos::int[]) and lookup is not null
        )
    )
)
"""
# unless somebody else has the number too
_PHONES_OF_SUBJECTS = """
workspace_id = :workspace_id and lookup in (
    select lookup from contact_point
    where workspace_id = :workspace_id and subject_no = any(:subject_nos::int[]) and kind = 'phone'
) and not exists (
    select 1 from contact_point o
    where o.workspace_id = phone.workspace_id and o.lookup = phone.lookup and o.subject_no <> all(:subject_nos::int[])
)
"""
_SPOKEN_FOR = f"select distinct person_no from consent_ledger where {_LINES_OF_SUBJECTS} and person_no <> 0"
_BY_SUBJECT = {
    "trait_fact": _SUBJECTS.format(column="subject_no"),
    "tag_fact": _SUBJECTS.format(column="subject_no"),
    "phone": _PHONES_OF_SUBJECTS,
    "contact_point": _SUBJECTS.format(column="subject_no"),
    "timeline": _SUBJECTS.format(column="holder_no"),
    "ownership": _SUBJECTS.format(column="subject_no"),
    "ownership_fact": _SUBJECTS.format(column="subject_no"),
    "consent_ledger": _LINES_OF_SUBJECTS,
    "permission": _SUBJECTS.format(column="subject_no"),
}
_BY_PERSON = {
    "trait_view": _PERSONS.format(column="person_no"),
    "consent_state": _PERSONS.format(column="person_no"),
    "contact_report": _PERSONS.format(column="person_no"),
    "contact_state": _PERSONS.format(column="person_no"),
    "tag_view": _PERSONS.format(column="person_no"),
    "timeline": "workspace_id = :workspace_id and holder_no = any(select -p from unnest(:person_nos::int[]) p)",
    "consent_ledger": "person_no <> 0 and " + _PERSONS.format(column="person_no"),
    "consent_expiry": _PERSONS.format(column="person_no"),
}
_OF_INTERVALS = """
delete from timeline t using ownership o
where o.workspace_id = :workspace_id and o.person_no = any(:person_nos::int[])
  and t.workspace_id = :workspace_id and t.holder_no = o.subject_no
  and t.event_time >= o.valid_from and t.event_time < o.valid_to
"""
_TOMBSTONES = """
insert into subject as s (workspace_id, subject_no, erased)
select :workspace_id, n, true from unnest(:subject_nos::int[]) n
on conflict (workspace_id, subject_no) do update set
    erased = true, namespace = null, scope = null, lookup = null, sealed_value = null, timezone = null,
    timezone_at = null, locale = null, locale_at = null
"""
_FORGET = """
update person set state = 'erased', redirect_to = null
where workspace_id = :workspace_id and person_no = any(:person_nos::int[])
"""
_RECEIPT = """
insert into erasure_receipt (workspace_id, erasure_id, person_id, counts, erased_at)
values (:workspace_id, :erasure_id, :person_id, :counts, :erased_at)
on conflict do nothing
"""
_FIND = """
select erasure_id, person_id, counts, erased_at from erasure_receipt
where workspace_id = :workspace_id and erasure_id = :erasure_id
"""
_OWNERS = """
select distinct person_no from ownership
where workspace_id = :workspace_id and subject_no = any(:subject_nos::int[])
"""


async def delete_of_intervals(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> int:
    """Delete what happened by identifiers while they were these persons', whoever owns them now; return how much."""
    return await tx.execute(statement(_OF_INTERVALS), workspace_id=workspace_id, person_nos=sorted(set(person_nos)))


async def delete_of_subjects(tx: Tx, workspace_id: int, subject_nos: Collection[int]) -> dict[str, int]:
    """Delete all that is held under identifiers, leave tombstones, and return the counts by table."""
    numbers = sorted(set(subject_nos))
    counts = {
        table: await tx.execute(
            statement(f"delete from {table} where {which}"), workspace_id=workspace_id, subject_nos=numbers
        )
        for table, which in _BY_SUBJECT.items()
    }
    await tx.execute(statement(_TOMBSTONES), workspace_id=workspace_id, subject_nos=numbers)
    return counts


async def delete_of_persons(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> dict[str, int]:
    """Delete all that is held under persons' numbers, mark them erased, and return the counts by table."""
    numbers = sorted(set(person_nos))
    counts = {
        table: await tx.execute(
            statement(f"delete from {table} where {which}"), workspace_id=workspace_id, person_nos=numbers
        )
        for table, which in _BY_PERSON.items()
    }
    await tag_touches.forget(tx, [PersonKey(workspace_id, number) for number in numbers])
    await tx.execute(statement(_FORGET), workspace_id=workspace_id, person_nos=numbers)
    return counts


async def keep_receipt(tx: Tx, workspace_id: int, receipt: Receipt) -> None:
    """Keep the proof; it names nobody's data."""
    await tx.execute(
        statement(_RECEIPT),
        workspace_id=workspace_id,
        erasure_id=receipt.erasure_id,
        person_id=receipt.person_id,
        counts=dict(receipt.counts),
        erased_at=receipt.erased_at,
    )


async def find_receipt(tx: Tx, workspace_id: int, erasure_id: UUID) -> Receipt | None:
    """Return the receipt of an erasure."""
    record = await tx.fetch_one(statement(_FIND), workspace_id=workspace_id, erasure_id=erasure_id)
    return Receipt(*record) if record is not None else None


async def owners_ever(tx: Tx, workspace_id: int, subject_nos: Collection[int]) -> set[PersonKey]:
    """Return every person that owned one of these identifiers at some time."""
    records = await tx.fetch(statement(_OWNERS), workspace_id=workspace_id, subject_nos=list(subject_nos))
    return {PersonKey(workspace_id, record["person_no"]) for record in records}


async def spoken_for(tx: Tx, workspace_id: int, subject_nos: Collection[int]) -> set[PersonKey]:
    """Return the persons for whom consent was stated through these identifiers."""
    records = await tx.fetch(statement(_SPOKEN_FOR), workspace_id=workspace_id, subject_nos=list(subject_nos))
    return {PersonKey(workspace_id, record["person_no"]) for record in records}
