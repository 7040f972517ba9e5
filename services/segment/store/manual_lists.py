"""Hand-made lists: persons included or excluded whatever the definition says."""

from uuid import UUID

from libs.common.db import Tx, statement

_MANUAL = statement(
    "select segment_id, person_no, included from segment.manual_member where workspace_id = :workspace_id"
)
_CLEAR_MANUAL = statement(
    "delete from segment.manual_member where workspace_id = :workspace_id and segment_id = :segment_id"
)
_ADD_MANUAL = statement(
    """
    insert into segment.manual_member (workspace_id, segment_id, person_no, included)
    select :workspace_id::int, :segment_id::uuid, given.person_no, given.included
    from unnest(:person_nos::int[], :included::boolean[]) as given (person_no, included)
    on conflict (workspace_id, segment_id, person_no) do update set included = excluded.included
    """
)
_MOVE_MANUAL = statement(
    """
    with moved as (
        delete from segment.manual_member
        where workspace_id = :workspace_id::int and person_no = any(:absorbed::int[])
        returning segment_id, included
    )
    insert into segment.manual_member (workspace_id, segment_id, person_no, included)
    select :workspace_id::int, segment_id, :survivor::int, bool_and(included) from moved group by segment_id
    on conflict (workspace_id, segment_id, person_no) do nothing
    returning segment_id
    """
)


async def load(tx: Tx, workspace_id: int) -> dict[UUID, tuple[list[int], list[int]]]:
    """Return (included, excluded) persons by segment."""
    lists: dict[UUID, tuple[list[int], list[int]]] = {}
    for record in await tx.fetch(_MANUAL, workspace_id=workspace_id):
        lists.setdefault(record["segment_id"], ([], []))[0 if record["included"] else 1].append(record["person_no"])
    return lists


async def replace(tx: Tx, workspace_id: int, *, segment_id: UUID, included: list[int], excluded: list[int]) -> None:
    """Replace a segment's hand-made lists; who is on both is excluded."""
    await tx.execute(_CLEAR_MANUAL, workspace_id=workspace_id, segment_id=segment_id)
    lists = dict.fromkeys(included, True) | dict.fromkeys(excluded, False)
    await tx.execute(
        _ADD_MANUAL,
        workspace_id=workspace_id,
        segment_id=segment_id,
        person_nos=list(lists),
        included=list(lists.values()),
    )


async def move(tx: Tx, workspace_id: int, *, absorbed: list[int], survivor: int) -> list[UUID]:
    """Let the survivor of a merge stand where the absorbed stood; return the segments whose lists changed."""
    rows = await tx.fetch(_MOVE_MANUAL, workspace_id=workspace_id, absorbed=absorbed, survivor=survivor)
    return [row["segment_id"] for row in rows]
