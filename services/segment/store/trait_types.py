"""The types traits are declared to have."""

from collections.abc import Collection, Sequence

from libs.common.db import Tx, statement

_KEEP = statement(
    """
    insert into segment.trait_type as known (workspace_id, name, type, version)
    select distinct on (given.name) :workspace_id::int, given.name, given.type, given.version
    from unnest(:names::text[], :types::text[], :versions::bigint[]) as given (name, type, version)
    order by given.name, given.version desc
    on conflict (workspace_id, name) do update set type = excluded.type, version = excluded.version
    where known.version < excluded.version
    """
)
_FIND = statement(
    """
    select name, type from segment.trait_type
    where workspace_id = :workspace_id and name = any(:names::text[]) and type is not null
    """
)


async def keep_types(tx: Tx, workspace_id: int, declared: Sequence[tuple[str, str | None, int]]) -> None:
    """Keep the newest (name, type, version) of each trait."""
    await tx.execute(
        _KEEP,
        workspace_id=workspace_id,
        names=[name for name, _, _ in declared],
        types=[type_ for _, type_, _ in declared],
        versions=[version for _, _, version in declared],
    )


async def types_of(tx: Tx, workspace_id: int, names: Collection[str]) -> dict[str, str]:
    """Return the declared type of those of the traits that have one."""
    storable = [name for name in names if "\x00" not in name]
    rows = await tx.fetch(_FIND, workspace_id=workspace_id, names=storable)
    return {row["name"]: row["type"] for row in rows}
