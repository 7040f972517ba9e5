"""Whom person numbers stand for after merges, splits and erasure; the greatest graph version wins."""

from collections.abc import Sequence
from uuid import UUID

from libs.common.db import Tx, statement

_NEWER = statement("""
    select person_no from redirect
    where workspace_id = :workspace_id and person_no = any(:person_nos::int[]) and graph_version > :graph_version
""")
_TARGET = statement("""
    select to_person_no, to_person_id from redirect
    where workspace_id = :workspace_id and person_no = :person_no and graph_version > :graph_version
""")
_POINT = statement("""
    insert into redirect as r (workspace_id, person_no, to_person_no, to_person_id, graph_version)
    select :workspace_id, person_no, :to_no, :to_id, :graph_version from unnest(:person_nos::int[]) person_no
    on conflict (workspace_id, person_no) do update
        set to_person_no = excluded.to_person_no, to_person_id = excluded.to_person_id,
            graph_version = excluded.graph_version
        where r.graph_version <= excluded.graph_version
""")
_FOLLOW = statement("""
    update redirect set to_person_no = :to_no, to_person_id = :to_id
    where workspace_id = :workspace_id and to_person_no = any(:person_nos::int[]) and person_no <> to_person_no
""")
_OWN = statement("""
    insert into subject_owner as o (workspace_id, subject_no, from_person_no, person_no, person_id, graph_version)
    select :workspace_id, subject_no, :from_no, :to_no, :to_id, :graph_version
    from unnest(:subject_nos::int[]) subject_no
    on conflict (workspace_id, subject_no, from_person_no) do update
        set person_no = excluded.person_no, person_id = excluded.person_id, graph_version = excluded.graph_version
        where o.graph_version <= excluded.graph_version
""")


async def outdated(tx: Tx, *, workspace_id: int, person_nos: Sequence[int], graph_version: int) -> set[int]:
    """Return those persons about whom something younger is known."""
    rows = await tx.fetch(_NEWER, workspace_id=workspace_id, person_nos=list(person_nos), graph_version=graph_version)
    return {row["person_no"] for row in rows}


async def present_of(
    tx: Tx, *, workspace_id: int, person_no: int, person_id: UUID, graph_version: int
) -> tuple[int, UUID]:
    """Return whom a survivor stands for by now."""
    row = await tx.fetch_one(_TARGET, workspace_id=workspace_id, person_no=person_no, graph_version=graph_version)
    return (row[0], row[1]) if row else (person_no, person_id)


async def point_to(
    tx: Tx, *, workspace_id: int, person_nos: Sequence[int], to_no: int, to_id: UUID, graph_version: int
) -> None:
    """Let persons, and all who stood for them, stand for another (himself: he is back)."""
    await tx.execute(
        _POINT, workspace_id=workspace_id, person_nos=list(person_nos), to_no=to_no, to_id=to_id,
        graph_version=graph_version,
    )  # fmt: skip
    others = [person_no for person_no in person_nos if person_no != to_no]
    if others:
        await tx.execute(_FOLLOW, workspace_id=workspace_id, person_nos=others, to_no=to_no, to_id=to_id)


async def give_subjects(
    tx: Tx, *, workspace_id: int, subject_nos: Sequence[int], from_no: int, to_no: int, to_id: UUID, graph_version: int
) -> None:
    """Let identifiers that still come under one person's number be another's."""
    await tx.execute(
        _OWN, workspace_id=workspace_id, subject_nos=list(subject_nos), from_no=from_no, to_no=to_no, to_id=to_id,
        graph_version=graph_version,
    )  # fmt: skip
