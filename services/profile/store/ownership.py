"""Who owns which identifier: the facts, and the intervals painted from them."""

from collections.abc import Collection, Iterable

import msgspec

from libs.common.db import Tx, statement
from services.profile.domain.keys import PersonKey, SubjectKey
from services.profile.domain.ownership import BEGINNING, END, Interval, OwnershipFact
from services.profile.store.columns import columns

_ADD = """
insert into ownership_fact (workspace_id, subject_no, version, since, person_no, received_at, until)
select * from unnest(
    :workspace_ids::int[], :subject_nos::int[], :versions::bigint[], :sinces::timestamptz[], :person_nos::int[],
    :received::timestamptz[], :untils::timestamptz[]
)
on conflict do nothing
returning workspace_id, subject_no
"""
# apart from the insert: ON CONFLICT DO UPDATE locks every row it meets, also those its WHERE leaves alone
_CORRECT = """
with better as (
    select k.* from unnest(
        :workspace_ids::int[], :subject_nos::int[], :versions::bigint[], :sinces::timestamptz[], :person_nos::int[],
        :received::timestamptz[], :untils::timestamptz[]
    ) k (workspace_id, subject_no, version, since, person_no, received_at, until)
    join ownership_fact f using (workspace_id, subject_no, version, since)
    where k.person_no < f.person_no or k.received_at < f.received_at
    order by k.workspace_id, k.subject_no, k.version, k.since
    for no key update of f
)
update ownership_fact f set
    person_no = least(f.person_no, k.person_no), received_at = least(f.received_at, k.received_at)
from better k
where (f.workspace_id, f.subject_no, f.version, f.since) = (k.workspace_id, k.subject_no, k.version, k.since)
returning f.workspace_id, f.subject_no
"""
_FACTS = """
select f.* from ownership_fact f
join unnest(:workspace_ids::int[], :subject_nos::int[]) k (workspace_id, subject_no) using (workspace_id, subject_no)
"""
_INTERVALS = """
select o.* from ownership o
join unnest(:workspace_ids::int[], :subject_nos::int[]) k (workspace_id, subject_no) using (workspace_id, subject_no)
order by o.workspace_id, o.subject_no, o.valid_from
"""
_FORGET = """
delete from ownership o using unnest(:workspace_ids::int[], :subject_nos::int[]) k (workspace_id, subject_no)
where o.workspace_id = k.workspace_id and o.subject_no = k.subject_no
"""
_PAINT = """
insert into ownership (workspace_id, subject_no, valid_from, valid_to, person_no)
select * from unnest(
    :workspace_ids::int[], :subject_nos::int[], :froms::timestamptz[], :tos::timestamptz[], :person_nos::int[]
)
"""
_HELD = """
select person_no, subject_no, valid_from, valid_to from ownership
where workspace_id = :workspace_id and person_no = any(:person_nos::int[])
"""
_OWNERS = """
select subject_no, person_no from ownership
where workspace_id = :workspace_id and subject_no = any(:subject_nos::int[]) and valid_to = :end
"""


def _keyed(subjects: Iterable[SubjectKey]) -> dict[str, list[int]]:
    return columns(("workspace_ids", "subject_nos"), sorted(set(subjects)))


async def add_ownership_facts(tx: Tx, facts: Iterable[tuple[int, OwnershipFact]]) -> set[SubjectKey]:
    """Add (workspace, fact) to the set and return the identifiers of which something new was said."""
    unique: dict[tuple[object, ...], OwnershipFact] = {}
    for workspace_id, fact in facts:
        key = (workspace_id, fact.subject_no, fact.version, fact.since or BEGINNING)
        known = unique.get(key)
        unique[key] = fact if known is None else _earlier(fact, known)
    rows = [
        (*key, fact.person_no, fact.received_at, fact.until)
        for key, fact in sorted(unique.items(), key=lambda item: item[0])
    ]
    names = ("workspace_ids", "subject_nos", "versions", "sinces", "person_nos", "received", "untils")
    arrays = columns(names, rows)
    added = await tx.fetch(statement(_ADD), **arrays)
    corrected = await tx.fetch(statement(_CORRECT), **arrays)
    return {SubjectKey(*record) for record in (*added, *corrected)}


async def ownership_facts(tx: Tx, subjects: Iterable[SubjectKey]) -> dict[SubjectKey, list[OwnershipFact]]:
    """Return all that was said about who owns these identifiers."""
    found: dict[SubjectKey, list[OwnershipFact]] = {}
    for r in await tx.fetch(statement(_FACTS), **_keyed(subjects)):
        fact = OwnershipFact(
            subject_no=r["subject_no"],
            version=r["version"],
            person_no=r["person_no"],
            received_at=r["received_at"],
            since=None if r["since"] == BEGINNING else r["since"],
            until=r["until"],
        )
        found.setdefault(SubjectKey(r["workspace_id"], r["subject_no"]), []).append(fact)
    return found


async def ownership_of(tx: Tx, subjects: Iterable[SubjectKey]) -> dict[SubjectKey, list[Interval]]:
    """Return who owns these identifiers when, by time."""
    found: dict[SubjectKey, list[Interval]] = {}
    for r in await tx.fetch(statement(_INTERVALS), **_keyed(subjects)):
        key = SubjectKey(r["workspace_id"], r["subject_no"])
        found.setdefault(key, []).append(Interval(r["valid_from"], r["valid_to"], r["person_no"]))
    return found


async def owners_ever(tx: Tx, subjects: Collection[SubjectKey]) -> set[PersonKey]:
    """Return who owns, or owned at some time, these identifiers."""
    painted = await ownership_of(tx, subjects) if subjects else {}
    return {PersonKey(key.workspace_id, one.person_no) for key, found in painted.items() for one in found}


async def paint_ownership(tx: Tx, painted: dict[SubjectKey, list[Interval]]) -> None:
    """Replace the intervals of these identifiers."""
    await tx.execute(statement(_FORGET), **_keyed(painted))
    rows = [(*key, *interval) for key in sorted(painted) for interval in painted[key]]
    names = ("workspace_ids", "subject_nos", "froms", "tos", "person_nos")
    await tx.execute(statement(_PAINT), **columns(names, rows))


async def held_now(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> dict[int, list[int]]:
    """Return the identifiers each person owns at present."""
    held: dict[int, list[int]] = {}
    for r in await tx.fetch(statement(_HELD), workspace_id=workspace_id, person_nos=list(person_nos)):
        if r["valid_to"] == END:
            held.setdefault(r["person_no"], []).append(r["subject_no"])
    return held


async def owners_now(tx: Tx, workspace_id: int, subject_nos: Collection[int]) -> dict[int, int]:
    """Return who owns each identifier at present."""
    records = await tx.fetch(statement(_OWNERS), workspace_id=workspace_id, subject_nos=list(subject_nos), end=END)
    return {r["subject_no"]: r["person_no"] for r in records}


def _earlier(left: OwnershipFact, right: OwnershipFact) -> OwnershipFact:
    """Two words about one version (only version 0 has them): the smaller number, the earlier arrival."""
    return msgspec.structs.replace(
        left,
        person_no=min(left.person_no, right.person_no),
        received_at=min(left.received_at, right.received_at),
    )
