"""Persons whose rows must leave the columnar store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx, statement

_REQUEST = statement(
    """
    insert into segment.erasure (workspace_id, person_no, erasure_id, subject_nos, requested_at)
    values (:workspace_id, :person_no, :erasure_id, :subject_nos, :at)
    on conflict (workspace_id, person_no) do update
    set subject_nos = excluded.subject_nos, done_at = null,
        erasure_id = coalesce(excluded.erasure_id, erasure.erasure_id)
    """
)
_FORGET_LISTS = statement(
    """
    delete from segment.manual_member
    where workspace_id = :workspace_id::int and (person_no = :person_no::int or person_no in (
        select person_no from segment.person where workspace_id = :workspace_id::int and merged_into = :person_no::int
    ))
    """
)
_OPEN = statement(
    "select person_no, subject_nos, erasure_id, requested_at from segment.erasure"
    " where workspace_id = :workspace_id and done_at is null"
)
_AMONG = statement(
    "select person_no from segment.erasure where workspace_id = :workspace_id and person_no = any(:person_nos::int[])"
)
_DONE = statement(
    """
    update segment.erasure set done_at = clock_timestamp()
    where workspace_id = :workspace_id and person_no = any(:person_nos::int[])
    """
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """A person to be deleted, with the subjects his events came by."""

    person_no: int
    subject_nos: tuple[int, ...]
    erasure_id: UUID | None
    requested_at: datetime


async def request_erasure(
    tx: Tx,
    workspace_id: int,
    *,
    person_no: int,
    subject_nos: Sequence[int],
    at: datetime,
    erasure_id: UUID | None,
) -> None:
    """Ask for a person's rows to be deleted."""
    await tx.execute(_FORGET_LISTS, workspace_id=workspace_id, person_no=person_no)
    await tx.execute(
        _REQUEST,
        workspace_id=workspace_id,
        person_no=person_no,
        erasure_id=erasure_id,
        subject_nos=[*subject_nos, -person_no],
        at=at,
    )


async def open_erasures(tx: Tx, workspace_id: int) -> list[Erasure]:
    """Return the erasures not done yet."""
    rows = await tx.fetch(_OPEN, workspace_id=workspace_id)
    return [
        Erasure(row["person_no"], tuple(row["subject_nos"]), row["erasure_id"], row["requested_at"]) for row in rows
    ]


async def erased_among(tx: Tx, workspace_id: int, person_nos: Sequence[int]) -> set[int]:
    """Return those of the persons that were erased."""
    rows = await tx.fetch(_AMONG, workspace_id=workspace_id, person_nos=list(person_nos))
    return {row["person_no"] for row in rows}


async def settle_erasures(tx: Tx, workspace_id: int, person_nos: list[int]) -> None:
    """Note that persons are deleted."""
    await tx.execute(_DONE, workspace_id=workspace_id, person_nos=person_nos)
