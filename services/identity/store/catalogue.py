"""The catalogue of events, properties and traits of a workspace, learned from what arrives."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from libs.common.db import Tx, load_sql, statement
from services.identity.domain.learned import Entry

_ADD = load_sql(__file__, "add_to_catalogue.sql")
_LIST = statement(
    "select kind, event_name, name, types, seen, first_seen, last_seen from catalogue"
    " where workspace_id = :workspace_id and (:kind::text is null or kind = :kind)"
    " and (:event_name::text is null or event_name = :event_name)"
    " and (:after::text[] is null"
    " or (kind, event_name, name) > ((:after::text[])[1], (:after::text[])[2], (:after::text[])[3]))"
    " order by kind, event_name, name limit :row_limit"
)


class CatalogueRow(msgspec.Struct, frozen=True, kw_only=True):
    """A name that arrived: with which JSON types, about how often, and when first and last."""

    kind: str
    event_name: str
    name: str
    types: list[str]
    seen: int
    first_seen: datetime
    last_seen: datetime


async def add(tx: Tx, learned: Sequence[tuple[Entry, int, list[str]]], now: datetime) -> None:
    """Add what was learned; in the order of the key, so that two processes do not deadlock."""
    await tx.execute(
        _ADD,
        workspace_ids=[entry.workspace_id for entry, _, _ in learned],
        kinds=[entry.kind for entry, _, _ in learned],
        event_names=[entry.event_name for entry, _, _ in learned],
        names=[entry.name for entry, _, _ in learned],
        type_lists=[",".join(types) for _, _, types in learned],
        counts=[count for _, count, _ in learned],
        now=now,
    )


async def list_rows(
    tx: Tx,
    *,
    workspace_id: int,
    kind: str | None,
    event_name: str | None,
    after: tuple[str, str, str] | None,
    limit: int,
) -> list[CatalogueRow]:
    """Return entries of the catalogue in the order of their names."""
    rows = await tx.fetch(
        _LIST,
        workspace_id=workspace_id,
        kind=kind,
        event_name=event_name,
        after=list(after) if after else None,
        row_limit=limit,
    )
    return [CatalogueRow(**dict(row)) for row in rows]
