"""Hand-made lists: persons included or excluded whatever the definition says."""

from collections.abc import Collection
from itertools import chain
from uuid import UUID

from libs.common.db import Tx, statement
from services.segment.store import persons

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
_REMOVE_MANUAL = statement(
    """
    delete from segment.manual_member
    where workspace_id = :workspace_id and segment_id = :segment_id and person_no = any(:person_nos::int[])
    """
)
_OF_SEGMENT = statement(
    """
    select person_no, included from segment.manual_member
    where workspace_id = :workspace_id and segment_id = :segment_id order by person_no
    """
)
_SIZES = statement(
    """
    select count(*) filter (where included) as include, count(*) filter (where not included) as exclude
    from segment.manual_member where workspace_id = :workspace_id and segment_id = :segment_id
    """
)
_ANY = statement("select exists (select from segment.manual_member where workspace_id = :workspace_id::int)")
_CONCERNED = statement(
    """
    select exists (
        select from segment.manual_member
        where workspace_id = :workspace_id::int and person_no = any(:person_nos::int[])
    )
    """
)


async def load(tx: Tx, workspace_id: int) -> dict[UUID, tuple[list[int], list[int]]]:
    """Return (included, excluded) persons by segment, as they are now: one of them excluded excludes who was merged.

    What is listed stays as it was written, so that neither the order of merges nor their undoing can change it.
    """
    listed = await tx.fetch(_MANUAL, workspace_id=workspace_id)
    now = await persons.present(tx, workspace_id, sorted({record["person_no"] for record in listed}))
    chosen: dict[UUID, dict[int, bool]] = {}
    for record in listed:
        of_segment = chosen.setdefault(record["segment_id"], {})
        person_no = now.get(record["person_no"], record["person_no"])
        of_segment[person_no] = of_segment.get(person_no, True) and record["included"]
    return {
        segment_id: ([number for number, yes in of.items() if yes], [number for number, yes in of.items() if not yes])
        for segment_id, of in chosen.items()
    }


async def replace(tx: Tx, workspace_id: int, *, segment_id: UUID, included: list[int], excluded: list[int]) -> None:
    """Replace a segment's hand-made lists; who is on both is excluded."""
    await tx.execute(_CLEAR_MANUAL, workspace_id=workspace_id, segment_id=segment_id)
    await add(tx, workspace_id, segment_id=segment_id, included=included, excluded=excluded)


async def add(tx: Tx, workspace_id: int, *, segment_id: UUID, included: list[int], excluded: list[int]) -> None:
    """Put persons onto a list, and so off the other one; who is on both is excluded."""
    lists = dict.fromkeys(included, True) | dict.fromkeys(excluded, False)
    await tx.execute(
        _ADD_MANUAL,
        workspace_id=workspace_id,
        segment_id=segment_id,
        person_nos=list(lists),
        included=list(lists.values()),
    )


async def remove(tx: Tx, workspace_id: int, *, segment_id: UUID, person_nos: list[int]) -> None:
    """Take persons off both lists."""
    await tx.execute(_REMOVE_MANUAL, workspace_id=workspace_id, segment_id=segment_id, person_nos=person_nos)


async def of_segment(tx: Tx, workspace_id: int, segment_id: UUID) -> tuple[list[int], list[int]]:
    """Return (included, excluded) persons of a segment as they were listed, by number."""
    listed = await tx.fetch(_OF_SEGMENT, workspace_id=workspace_id, segment_id=segment_id)
    included = [record["person_no"] for record in listed if record["included"]]
    return included, [record["person_no"] for record in listed if not record["included"]]


async def sizes(tx: Tx, workspace_id: int, segment_id: UUID) -> dict[str, int]:
    """Return how many are on each list, under `include` and `exclude`."""
    return dict(await tx.fetch_one(_SIZES, workspace_id=workspace_id, segment_id=segment_id) or {})


async def concern(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> bool:
    """Tell whether any of these persons is on a list, or anybody who was merged into them, however indirectly."""
    if not await tx.fetch_value(_ANY, workspace_id=workspace_id):
        return False
    ended = await persons.ended_in(tx, workspace_id, list(person_nos))
    everybody = {*person_nos, *chain.from_iterable(ended.values())}
    return bool(await tx.fetch_value(_CONCERNED, workspace_id=workspace_id, person_nos=sorted(everybody)))
