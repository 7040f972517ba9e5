"""Who persons are now: what each version of the graph said of them, kept as it was said.

A person's row says whom he ended in by the newest version heard, never compressed: a chain of merges stays a chain, so
that any link of it can be undone. Who a number is now is where the chain from it ends.
"""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from libs.common.db import Tx, statement
from libs.common.sides import Known, Pointer
from services.messaging.store.persons import lock_persons

_HOLD = statement("select pg_advisory_xact_lock(hashtextextended('messaging graph', :workspace_id))")
_HOLD_AS_IT_IS = statement("select pg_advisory_xact_lock_shared(hashtextextended('messaging graph', :workspace_id))")
_WHOSE = statement("""
    select person_no, coalesce(side_no, person_no) as side_no from intent
    where workspace_id = :workspace_id and intent_id = any(:intent_ids::uuid[])
""")
_KNOWN = statement("""
    select person_no, coalesce(merged_into, 0) as into_no, graph_version from person
    where workspace_id = :workspace_id and person_no = any(:person_nos::int[])
""")
_POINT = statement("""
    update person p set merged_into = nullif(t.into_no, 0), graph_version = t.graph_version
    from unnest(:person_nos::int[], :into_nos::int[], :versions::bigint[]) as t(person_no, into_no, graph_version)
    where p.workspace_id = :workspace_id and p.person_no = t.person_no and p.graph_version < t.graph_version
""")
# 64 steps bound a chain that half-heard news has bent into a circle.
_PATHS = statement("""
    with recursive walk (asked, depth, person_no) as (
        select n, 0, n from unnest(:person_nos::int[]) n
        union all
        select w.asked, w.depth + 1, p.merged_into
        from walk w
        join person p on p.workspace_id = :workspace_id and p.person_no = w.person_no
        where p.merged_into is not null and w.depth < 64
    )
    select asked, person_no from walk order by asked, depth
""")
_FAMILY = statement("""
    with recursive walk (person_no) as (
        select n from unnest(:person_nos::int[]) n
        union
        select p.person_no
        from walk w
        join person p on p.workspace_id = :workspace_id and p.merged_into = w.person_no
    )
    select person_no from walk
""")


async def hold_graph(tx: Tx, workspace_id: int) -> None:
    """Let nobody else change who persons are until the transaction ends: chains and families stay as they are read."""
    await tx.execute(_HOLD, workspace_id=workspace_id)


async def lock_holders(tx: Tx, workspace_id: int, intent_ids: Sequence[UUID], person_nos: Iterable[int] = ()) -> None:
    """Lock everybody whose these messages are or may turn out to be, and `person_nos`: whose they are stays so.

    The graph is held first, as a merge does, and persons are locked at once and in line. Who locked the person he read,
    and then the one he found afterwards, would wait for a merge of the two that waits for him.
    """
    await tx.execute(_HOLD_AS_IT_IS, workspace_id=workspace_id)
    rows = await tx.fetch(_WHOSE, workspace_id=workspace_id, intent_ids=list(intent_ids))
    paths = await paths_of(tx, workspace_id, {row["side_no"] for row in rows})
    on_their_way = (number for path in paths.values() for number in path)
    await lock_persons(tx, workspace_id, [*person_nos, *(row["person_no"] for row in rows), *on_their_way])


async def known_of(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> dict[int, Known]:
    """Return what was heard of persons."""
    rows = await tx.fetch(_KNOWN, workspace_id=workspace_id, person_nos=list(person_nos))
    return {row["person_no"]: Known(row["into_no"], row["graph_version"]) for row in rows}


async def point_persons(tx: Tx, workspace_id: int, pointers: Iterable[Pointer]) -> None:
    """Set who persons are, each at most once and all locked before; what is older than known changes nothing."""
    rows = list(pointers)
    await tx.execute(
        _POINT,
        workspace_id=workspace_id,
        person_nos=[row.person_no for row in rows],
        into_nos=[row.into_no for row in rows],
        versions=[row.graph_version for row in rows],
    )


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
