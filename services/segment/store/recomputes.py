"""Versions and changed lists waiting to be computed aside and swapped in.

Those of a paused segment wait for it to be resumed: whoever asked for one beside the pausing may not have seen it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.db import Tx, statement
from libs.common.ids import new_id

_RECOMPUTE = statement(
    """
    insert into segment.recompute (workspace_id, segment_id, version, cause, request_id)
    select :workspace_id::int, :segment_id::uuid, :version::int, :cause::text, :request_id::uuid
    where not exists (
        select from segment.segment
        where workspace_id = :workspace_id::int and segment_id = :segment_id::uuid and state = 'paused'
    )
    on conflict (workspace_id, segment_id) do update set
        version = excluded.version, request_id = excluded.request_id,
        cause = case when recompute.cause = 'manual' or recompute.version < excluded.version
                     then excluded.cause else recompute.cause end
    """
)
_RECOMPUTES = statement(
    """
    select recompute.segment_id, recompute.version, recompute.cause, version.definition, recompute.request_id
    from segment.recompute
    join segment.segment_version as version
      on version.workspace_id = recompute.workspace_id and version.segment_id = recompute.segment_id
     and version.version = recompute.version
    join segment.segment on segment.workspace_id = recompute.workspace_id
     and segment.segment_id = recompute.segment_id
    where recompute.workspace_id = :workspace_id and segment.state <> 'paused'
    order by recompute.segment_id
    """
)
_RECOMPUTED = statement(
    """
    delete from segment.recompute
    where workspace_id = :workspace_id and segment_id = :segment_id and request_id = :request_id
    """
)
_AGAIN = statement(
    """
    insert into segment.recompute (workspace_id, segment_id, version, cause, request_id)
    select :workspace_id::int, given.segment_id, given.version, 'edit', given.request_id
    from unnest(:segment_ids::uuid[], :versions::int[], :request_ids::uuid[])
        as given (segment_id, version, request_id)
    join segment.segment on segment.workspace_id = :workspace_id::int and segment.segment_id = given.segment_id
    where segment.state <> 'paused'
    order by given.segment_id
    on conflict (workspace_id, segment_id) do update set request_id = excluded.request_id
    """
)
_SWAP = statement(
    """
    update segment.segment set live_version = :version, is_behind = false
    where workspace_id = :workspace_id and segment_id = :segment_id
    """
)
_FORGET = statement("delete from segment.recompute where workspace_id = :workspace_id and segment_id = :segment_id")
_OPEN = statement("select count(*) from segment.recompute where workspace_id = :workspace_id")


@dataclass(frozen=True)
class Recompute:
    """A version (or changed lists) to be computed aside and swapped in."""

    segment_id: UUID
    version: int
    cause: str
    definition: str
    request_id: UUID


async def ask_recompute(tx: Tx, workspace_id: int, *, segment_id: UUID, version: int, cause: str) -> None:
    """Ask for a version to be computed aside and swapped in; a paused one is when it is resumed."""
    await tx.execute(
        _RECOMPUTE, workspace_id=workspace_id, segment_id=segment_id, version=version, cause=cause, request_id=new_id()
    )


async def ask_again(tx: Tx, workspace_id: int, chosen: Sequence[tuple[UUID, int]]) -> None:
    """Ask for (segment, version in force) to be computed once more; where a newer version waits, for that one."""
    await tx.execute(
        _AGAIN,
        workspace_id=workspace_id,
        segment_ids=[segment_id for segment_id, _ in chosen],
        versions=[version for _, version in chosen],
        request_ids=[new_id() for _ in chosen],
    )


async def waiting(tx: Tx, workspace_id: int) -> list[Recompute]:
    """Return what is to be computed."""
    return [Recompute(**dict(record)) for record in await tx.fetch(_RECOMPUTES, workspace_id=workspace_id)]


async def open_recomputes(tx: Tx, workspace_id: int) -> int:
    """Return how much is to be computed."""
    return int(await tx.fetch_value(_OPEN, workspace_id=workspace_id))


async def forget(tx: Tx, workspace_id: int, segment_id: UUID) -> None:
    """Forget whatever is to be computed of a segment."""
    await tx.execute(_FORGET, workspace_id=workspace_id, segment_id=segment_id)


async def drop(tx: Tx, workspace_id: int, given_up: Recompute) -> None:
    """Forget a request that could not be computed; one made in the meantime stays."""
    await tx.execute(
        _RECOMPUTED, workspace_id=workspace_id, segment_id=given_up.segment_id, request_id=given_up.request_id
    )


async def swap(tx: Tx, workspace_id: int, done: Recompute) -> None:
    """Put a computed version in force; a request made in the meantime stays."""
    segment_id = done.segment_id
    await tx.execute(_SWAP, workspace_id=workspace_id, segment_id=segment_id, version=done.version)
    await tx.execute(_RECOMPUTED, workspace_id=workspace_id, segment_id=segment_id, request_id=done.request_id)
