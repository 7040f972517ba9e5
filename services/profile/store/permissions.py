"""What was last published of what is allowed with identifiers."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec
from asyncpg import Record

from libs.common.db import Tx, statement
from services.profile.domain.keys import PersonKey, SubjectKey
from services.profile.domain.ownership import END
from services.profile.domain.permission import Step
from services.profile.store.columns import columns

_OF_PERSONS = """
select p.workspace_id, p.subject_no, p.purpose, p.steps
from ownership o
join unnest(:workspace_ids::int[], :person_nos::int[]) k (workspace_id, person_no) using (workspace_id, person_no)
join permission p on p.workspace_id = o.workspace_id and p.subject_no = o.subject_no
where o.valid_to = :end
"""
_VERSIONS = "select nextval('permission_version') from generate_series(1, :count)"
_SAVE = """
insert into permission (workspace_id, subject_no, purpose, steps, version, received_at)
select workspace_id, subject_no, purpose, steps::jsonb, version, received_at
from unnest(:workspace_ids::int[], :subject_nos::int[], :purposes::text[], :steps::text[], :versions::bigint[],
    :received::timestamptz[]) k (workspace_id, subject_no, purpose, steps, version, received_at)
on conflict (workspace_id, subject_no, purpose) do update set
    steps = excluded.steps, version = excluded.version, received_at = excluded.received_at
"""
_DROP = """
delete from permission p
using unnest(:workspace_ids::int[], :subject_nos::int[], :purposes::text[]) k (workspace_id, subject_no, purpose)
where (p.workspace_id, p.subject_no, p.purpose) = (k.workspace_id, k.subject_no, k.purpose)
"""
_FROM = """
select subject_no, purpose, steps, version, received_at from permission
where workspace_id = :workspace_id and (subject_no, purpose) > (:after_no::int, :after_purpose::text)
order by subject_no, purpose limit :row_limit
"""


class Told(NamedTuple):
    """What is allowed with an identifier for a purpose; no steps: nothing is said of it any more."""

    subject: SubjectKey
    purpose: str
    steps: tuple[Step, ...]
    version: int
    received_at: datetime


async def permissions_of_persons(tx: Tx, people: Iterable[PersonKey]) -> dict[tuple[SubjectKey, str], tuple[Step, ...]]:
    """Return what was last published of the identifiers these persons own at present, by identifier and purpose."""
    keys = columns(("workspace_ids", "person_nos"), sorted(set(people)))
    return {
        (SubjectKey(r["workspace_id"], r["subject_no"]), r["purpose"]): steps_of(r["steps"])
        for r in await tx.fetch(statement(_OF_PERSONS), **keys, end=END)
    }


async def next_versions(tx: Tx, count: int) -> list[int]:
    """Return so many versions, greater than any before."""
    return [record[0] for record in await tx.fetch(statement(_VERSIONS), count=count)]


async def save_permissions(tx: Tx, told: Collection[Told]) -> None:
    """Keep what is published now."""
    kept = [
        (*one.subject, one.purpose, msgspec.json.encode(one.steps).decode(), one.version, one.received_at)
        for one in told
        if one.steps
    ]
    names = ("workspace_ids", "subject_nos", "purposes", "steps", "versions", "received")
    await tx.execute(statement(_SAVE), **columns(names, sorted(kept)))
    gone = sorted((*one.subject, one.purpose) for one in told if not one.steps)
    await tx.execute(statement(_DROP), **columns(names[:3], gone))


async def permissions_from(tx: Tx, workspace_id: int, *, after: tuple[int, str], limit: int) -> list[Record]:
    """Return what was last published, by (identifier, purpose)."""
    number, purpose = after
    return await tx.fetch(
        statement(_FROM), workspace_id=workspace_id, after_no=number, after_purpose=purpose, row_limit=limit
    )


def steps_of(stored: object) -> tuple[Step, ...]:
    """Return steps as they are kept."""
    return msgspec.convert(stored, tuple[Step, ...])
