"""Who owns which subject, as the graph tells, and under whom its events lie."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.common.db import Tx, load_sql, statement
from services.segment.store.persons import present

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
    with before as (
        select subject_no, person_no from segment.subject
        where workspace_id = :workspace_id::int and subject_no = any(:subject_nos::bigint[])
          and person_no not in (:owner::int, 0)
        order by subject_no for update
    )
    update segment.subject set person_no = :owner::int from before
    where subject.workspace_id = :workspace_id::int and subject.subject_no = before.subject_no
    returning subject.subject_no, before.person_no as person_before
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
    select
        subject_no, person_no, moved and not overridden as news,
        exists (
            select from segment.ownership_span as span
            where span.workspace_id = subject.workspace_id and span.subject_no = subject.subject_no
        ) as timed
    from segment.subject
    where workspace_id = :workspace_id::int and subject_no = any(:subject_nos::bigint[])
    """
)
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
_HELD_BY = statement(
    """
    select distinct person_no from segment.subject
    where workspace_id = :workspace_id::int and subject_no = any(:subject_nos::bigint[]) and person_no <> 0
    """
)
_DISOWN = statement(
    """
    delete from segment.subject
    where workspace_id = :workspace_id::int and person_no = any(:person_nos::int[])
    """
)
_STORED_UNDER = load_sql(__file__, "stored_under.sql")
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
    """A subject whose owner is told, and whose it was if it was known: whether it names somebody, and was known to."""

    subject_no: int
    person_no: int
    person_before: int | None
    naming: bool
    naming_before: bool

    @property
    def changes_hands(self) -> bool:
        """Tell whether it was known before as somebody else's."""
        return self.person_before not in (None, self.person_no)


async def absorb(tx: Tx, workspace_id: int, *, absorbed: Sequence[int], survivor: int) -> list[int]:
    """Give all subjects of the absorbed persons to the survivor; return the subjects."""
    await tx.execute(_REDIRECT, workspace_id=workspace_id, absorbed=list(absorbed), survivor=survivor)
    rows = await tx.fetch(_MOVE_SUBJECTS, workspace_id=workspace_id, from_persons=list(absorbed), owner=survivor)
    return [row["subject_no"] for row in rows]


async def give_subjects(tx: Tx, workspace_id: int, *, owner: int, subject_nos: Sequence[int]) -> dict[int, int]:
    """Give subjects to a person; return those that had another owner, with him."""
    rows = await tx.fetch(_GIVE_SUBJECTS, workspace_id=workspace_id, owner=owner, subject_nos=list(subject_nos))
    return {row["subject_no"]: row["person_before"] for row in rows}


async def change_owners(
    tx: Tx, workspace_id: int, *, subject_nos: list[int], person_nos: list[int], versions: list[int], naming: list[bool]
) -> list[OwnerChange]:
    """Take over ownership facts; return the subjects of which they said anything new."""
    rows = await tx.fetch(
        _CHANGE_OWNERS,
        workspace_id=workspace_id,
        subject_nos=subject_nos,
        person_nos=person_nos,
        versions=versions,
        naming=naming,
    )
    return [OwnerChange(**dict(row)) for row in rows]


async def owners_after_storing(
    tx: Tx, workspace_id: int, *, subject_nos: list[int], person_nos: list[int]
) -> tuple[dict[int, int], list[int], list[int]]:
    """Note under whom events are stored.

    Return each subject's present owner, subjects that need an override, and those with other owners at other times.
    """
    await tx.execute(_STORE_EVENTS, workspace_id=workspace_id, subject_nos=subject_nos, person_nos=person_nos)
    rows = await tx.fetch(_OWNERS, workspace_id=workspace_id, subject_nos=list(dict.fromkeys(subject_nos)))
    owners = {row["subject_no"]: row["person_no"] for row in rows}
    news = [row["subject_no"] for row in rows if row["news"]]
    return owners, news, [row["subject_no"] for row in rows if row["timed"]]


async def overrides_of(tx: Tx, workspace_id: int, subject_nos: Sequence[int]) -> list[Override]:
    """Return the overrides these subjects need now."""
    rows = await tx.fetch(_OVERRIDES, workspace_id=workspace_id, subject_nos=list(subject_nos))
    return [Override(row["subject_no"], row["person_no"], row["version"]) for row in rows]


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


async def bury_subjects(
    tx: Tx, workspace_id: int, *, person_nos: Sequence[int], subject_nos: Sequence[int]
) -> list[int]:
    """Let erased subjects be nobody's for good, whatever is still told of them; the persons own nothing else here.

    Return who held any of the subjects.
    """
    rows = await tx.fetch(_HELD_BY, workspace_id=workspace_id, subject_nos=sorted(set(subject_nos)))
    await tx.execute(_BURY_SUBJECTS, workspace_id=workspace_id, subject_nos=sorted(set(subject_nos)))
    await tx.execute(_DISOWN, workspace_id=workspace_id, person_nos=list(person_nos))
    return [row["person_no"] for row in rows]
