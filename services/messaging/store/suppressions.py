"""Addresses never written to again, by keyed hash."""

from collections.abc import Sequence
from datetime import datetime

from libs.common.db import Tx, statement

ADDRESS_NAMESPACE = "messaging.address"

_FIND = statement("""
    select address_lookup, channel, reason from suppression
    where workspace_id = :workspace_id and address_lookup = any(:lookups::bytea[])
""")
_ADD = statement("""
    insert into suppression (workspace_id, address_lookup, channel, reason, suppressed_at)
    select :workspace_id, lookup, channel, reason, :now
    from unnest(:lookups::bytea[], :channels::text[], :reasons::text[]) as t(lookup, channel, reason)
    on conflict do nothing
""")
_REMOVE = statement("""
    delete from suppression
    where workspace_id = :workspace_id and address_lookup = :lookup and channel = :channel
""")
_LIST = statement("""
    select address_lookup, channel, reason, suppressed_at from suppression
    where workspace_id = :workspace_id and (address_lookup, channel) > (:after_lookup::bytea, :after_channel::text)
    order by address_lookup, channel
    limit :limit
""")


async def find_suppressions(tx: Tx, workspace_id: int, lookups: Sequence[bytes]) -> dict[tuple[bytes, str], str]:
    """Return (look-up, channel) -> reason for those on the list."""
    rows = await tx.fetch(_FIND, workspace_id=workspace_id, lookups=list(set(lookups)))
    return {(bytes(row["address_lookup"]), row["channel"]): row["reason"] for row in rows}


async def add_suppressions(
    tx: Tx, workspace_id: int, entries: Sequence[tuple[bytes, str, str]], *, now: datetime
) -> None:
    """Put (look-up, channel, reason) on the list; what is there stays."""
    if entries:
        await tx.execute(
            _ADD,
            workspace_id=workspace_id,
            lookups=[lookup for lookup, _, _ in entries],
            channels=[channel for _, channel, _ in entries],
            reasons=[reason for _, _, reason in entries],
            now=now,
        )


async def remove_suppression(tx: Tx, workspace_id: int, lookup: bytes, channel: str) -> bool:
    """Take an entry off the list; False when it was not there."""
    return await tx.execute(_REMOVE, workspace_id=workspace_id, lookup=lookup, channel=channel) > 0


async def list_suppressions(
    tx: Tx, workspace_id: int, *, limit: int, after: tuple[bytes, str] | None
) -> list[tuple[bytes, str, str, datetime]]:
    """Return entries (look-up, channel, reason, since) after a position, in its order."""
    lookup, channel = after or (b"", "")
    rows = await tx.fetch(_LIST, workspace_id=workspace_id, limit=limit, after_lookup=lookup, after_channel=channel)
    return [(bytes(r["address_lookup"]), r["channel"], r["reason"], r["suppressed_at"]) for r in rows]
