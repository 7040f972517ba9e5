"""Whom a person number stands for now, and the lock that keeps what concerns a person in line."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from libs.common.db import Tx, statement
from libs.common.ids import partition

LOCK_SPACE = 7270


class PersonKey(NamedTuple):
    """A person as an event names him, by the identifier it came with (0: none)."""

    workspace_id: int
    person_no: int
    subject_no: int = 0


class Present(NamedTuple):
    """Who he is now; no id when nothing changed since the event was recorded."""

    person_no: int
    person_id: UUID | None


_LOCK = statement("select pg_advisory_xact_lock(:space::int, key) from unnest(:keys::int[]) key")
_RESOLVE = statement("""
    select k.workspace_id, k.person_no, k.subject_no,
           coalesce(r.to_person_no, o.person_no) as to_person_no, coalesce(r.to_person_id, o.person_id) as to_person_id
    from unnest(:workspace_ids::int[], :person_nos::int[], :subject_nos::int[])
         k(workspace_id, person_no, subject_no)
    left join subject_owner o
        on o.workspace_id = k.workspace_id and o.subject_no = k.subject_no and o.from_person_no = k.person_no
    left join redirect r
        on r.workspace_id = k.workspace_id and r.person_no = coalesce(o.person_no, k.person_no)
    where o.person_no is not null or r.to_person_no is not null
""")


async def lock_persons(tx: Tx, persons: Iterable[tuple[int, int]]) -> None:
    """Hold the partitions of (workspace, person) until the transaction ends, in one order for everybody.

    Two consumers never work on one person at once, so a signal cannot slip between the entry it ends and its look-up.
    """
    keys = sorted({workspace * 16 + partition(workspace, person) for workspace, person in persons})
    await tx.execute(_LOCK, space=LOCK_SPACE, keys=keys)


async def lock_everybody(tx: Tx, workspace_ids: Iterable[int]) -> None:
    """Hold all partitions of workspaces: who of whom was whose is known only once nobody changes it any more."""
    keys = sorted(workspace * 16 + number for workspace in set(workspace_ids) for number in range(16))
    await tx.execute(_LOCK, space=LOCK_SPACE, keys=keys)


async def resolve_persons(tx: Tx, keys: Sequence[PersonKey]) -> dict[PersonKey, Present]:
    """Return those of the persons that merges or splits turned into others: one step of the way, ask again."""
    rows = await tx.fetch(
        _RESOLVE,
        workspace_ids=[k.workspace_id for k in keys],
        person_nos=[k.person_no for k in keys],
        subject_nos=[k.subject_no for k in keys],
    )
    return {PersonKey(r[0], r[1], r[2]): Present(r["to_person_no"], r["to_person_id"]) for r in rows}
