"""Names of events, traits, tags and accounts' traits ever seen: a definition is warned of one that nobody sent."""

from collections.abc import Collection
from typing import Literal

from libs.common.db import Tx, statement

Kind = Literal["event", "trait", "tag", "account_trait", "personal_trait", "personal_account_trait"]
"""A trait (of an account) that was personal once is one of both of its kinds."""

_ADD = statement(
    """
    insert into segment.known_name (workspace_id, kind, name)
    select :workspace_id::int, :kind::text, given.name from unnest(:names::text[]) as given (name)
    where not exists (
        select from segment.known_name as known
        where known.workspace_id = :workspace_id::int and known.kind = :kind::text and known.name = given.name
    )
    order by given.name
    on conflict do nothing
    """
)
_KNOWN = statement(
    """
    select name from segment.known_name
    where workspace_id = :workspace_id and kind = :kind and name = any(:names::text[])
    """
)
_UNMATCHED = statement(
    """
    select given.prefix from unnest(:prefixes::text[]) as given (prefix)
    where not exists (
        select from segment.known_name as known
        where known.workspace_id = :workspace_id::int and known.kind = :kind::text
          and starts_with(known.name, given.prefix)
    )
    """
)
_LIST = statement(
    """
    select kind, name from segment.known_name
    where workspace_id = :workspace_id and kind = any(:kinds::text[]) order by kind, name
    """
)


async def remember(tx: Tx, workspace_id: int, kind: Kind, names: Collection[str]) -> None:
    """Keep names."""
    storable = [name for name in names if "\x00" not in name]
    await tx.execute(_ADD, workspace_id=workspace_id, kind=kind, names=storable)


async def unknown(tx: Tx, workspace_id: int, kind: Kind, names: Collection[str]) -> set[str]:
    """Return those of the names that were never seen."""
    storable = [name for name in names if "\x00" not in name]
    rows = await tx.fetch(_KNOWN, workspace_id=workspace_id, kind=kind, names=storable)
    return set(names) - {row["name"] for row in rows}


async def unmatched(tx: Tx, workspace_id: int, kind: Kind, prefixes: Collection[str]) -> set[str]:
    """Return those of the prefixes that no name ever seen begins with."""
    storable = [prefix for prefix in prefixes if "\x00" not in prefix]
    rows = await tx.fetch(_UNMATCHED, workspace_id=workspace_id, kind=kind, prefixes=storable)
    return set(prefixes) - set(storable) | {row["prefix"] for row in rows}


async def all_names(tx: Tx, workspace_id: int) -> dict[str, list[str]]:
    """Return every name of events, traits, tags and traits of accounts, by kind."""
    found: dict[str, list[str]] = {"event": [], "trait": [], "tag": [], "account_trait": []}
    for row in await tx.fetch(_LIST, workspace_id=workspace_id, kinds=list(found)):
        found[row["kind"]].append(row["name"])
    return found
