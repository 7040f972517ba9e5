"""Whom person numbers stand for after merges, splits and erasure, as each version of the graph said it.

A person's row says whom he ended in by the newest version heard (himself: he lives; 0: he was erased), never
compressed: a chain of merges stays a chain, so that any link of it can be undone.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from libs.common.db import Tx, statement
from libs.common.sides import Known, Pointer

_KNOWN = statement("""
    select person_no, case to_person_no when person_no then 0 else to_person_no end as into_no, graph_version
    from redirect where workspace_id = :workspace_id and person_no = any(:person_nos::int[])
""")
_POINT = statement("""
    insert into redirect as r (workspace_id, person_no, to_person_no, to_person_id, graph_version)
    select :workspace_id, * from unnest(:person_nos::int[], :to_nos::int[], :to_ids::uuid[], :versions::bigint[])
    on conflict (workspace_id, person_no) do update
        set to_person_no = excluded.to_person_no, to_person_id = excluded.to_person_id,
            graph_version = excluded.graph_version
        where r.graph_version <= excluded.graph_version
""")
# 64 steps bound a chain that half-heard news has bent into a circle; nobody stands for whoever was erased
_PATHS = statement("""
    with recursive walk (asked, depth, person_no) as (
        select n, 0, n from unnest(:person_nos::int[]) n
        union all
        select w.asked, w.depth + 1, r.to_person_no
        from walk w
        join redirect r on r.workspace_id = :workspace_id and r.person_no = w.person_no
        where r.to_person_no <> r.person_no and r.to_person_no <> 0 and w.depth < 64
    )
    select asked, person_no from walk order by asked, depth
""")
_FAMILY = statement("""
    with recursive walk (person_no) as (
        select n from unnest(:person_nos::int[]) n
        union
        select r.person_no
        from walk w
        join redirect r on r.workspace_id = :workspace_id and r.to_person_no = w.person_no
    )
    select person_no from walk
""")
_IDS = statement("""
    select distinct to_person_no, to_person_id from redirect
    where workspace_id = :workspace_id and to_person_no = any(:person_nos::int[])
""")
_OWN = statement("""
    insert into subject_owner as o (workspace_id, subject_no, from_person_no, person_no, person_id, graph_version)
    select :workspace_id, subject_no, :from_no, :to_no, :to_id, :graph_version
    from unnest(:subject_nos::int[]) subject_no
    order by subject_no
    on conflict (workspace_id, subject_no, from_person_no) do update
        set person_no = excluded.person_no, person_id = excluded.person_id, graph_version = excluded.graph_version
        where o.graph_version <= excluded.graph_version
""")


async def known_of(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> dict[int, Known]:
    """Return what was heard of persons."""
    rows = await tx.fetch(_KNOWN, workspace_id=workspace_id, person_nos=list(person_nos))
    return {row["person_no"]: Known(row["into_no"], row["graph_version"]) for row in rows}


async def point_persons(tx: Tx, workspace_id: int, pointers: Iterable[Pointer], ids: Mapping[int, UUID]) -> None:
    """Set who persons are, each at most once; `ids` has those of whoever they are. Older news change nothing."""
    rows = [(one.person_no, one.into_no or one.person_no, one.graph_version) for one in pointers]
    await tx.execute(
        _POINT, workspace_id=workspace_id, person_nos=[row[0] for row in rows], to_nos=[row[1] for row in rows],
        to_ids=[ids[row[1]] for row in rows], versions=[row[2] for row in rows],
    )  # fmt: skip


async def disown_persons(tx: Tx, workspace_id: int, person_nos: Sequence[int], nobody: UUID, version: int) -> None:
    """Let persons who were erased be nobody."""
    await tx.execute(
        _POINT, workspace_id=workspace_id, person_nos=list(person_nos), to_nos=[0] * len(person_nos),
        to_ids=[nobody] * len(person_nos), versions=[version] * len(person_nos),
    )  # fmt: skip


async def paths_of(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> dict[int, tuple[int, ...]]:
    """Return the way of each number: itself, whom it ended in, ... and last who it is now."""
    found: dict[int, tuple[int, ...]] = {}
    for row in await tx.fetch(_PATHS, workspace_id=workspace_id, person_nos=sorted(set(person_nos))):
        found[row["asked"]] = (*found.get(row["asked"], ()), row["person_no"])
    return found


async def family_of(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> set[int]:
    """Return these persons and all who ended in them, directly or by others."""
    rows = await tx.fetch(_FAMILY, workspace_id=workspace_id, person_nos=list(person_nos))
    return {row["person_no"] for row in rows}


async def ids_of(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> dict[int, UUID]:
    """Return the ids of persons whom a merge or a split named."""
    rows = await tx.fetch(_IDS, workspace_id=workspace_id, person_nos=list(person_nos))
    return {row["to_person_no"]: row["to_person_id"] for row in rows}


async def give_subjects(
    tx: Tx, *, workspace_id: int, subject_nos: Sequence[int], from_no: int, to_no: int, to_id: UUID, graph_version: int
) -> None:
    """Let identifiers that still come under one person's number be another's."""
    await tx.execute(
        _OWN, workspace_id=workspace_id, subject_nos=list(subject_nos), from_no=from_no, to_no=to_no, to_id=to_id,
        graph_version=graph_version,
    )  # fmt: skip
