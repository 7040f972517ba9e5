"""What an erasure deletes of the graph and of the record."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx, statement
from services.identity.domain.deduplication import copy_key, event_key

_LINKS = statement(
    "delete from link where workspace_id = :workspace_id"
    " and (low_no = any(:node_nos::int[]) or high_no = any(:node_nos::int[]))"
)
_OWNERSHIP = statement("delete from ownership where workspace_id = :workspace_id and node_no = any(:node_nos::int[])")
_SIGNALS = statement("delete from device_signal where workspace_id = :workspace_id and node_no = any(:node_nos::int[])")
_SUGGESTIONS = statement(
    "delete from suggestion where workspace_id = :workspace_id"
    " and (low_no = any(:node_nos::int[]) or high_no = any(:node_nos::int[]))"
)
_HELD = statement(
    "delete from held_link where workspace_id = :workspace_id"
    " and (low_no = any(:node_nos::int[]) or high_no = any(:node_nos::int[]))"
)
_STRAYS = statement(
    "delete from stray_identifier where workspace_id = :workspace_id and node_no = any(:node_nos::int[])"
)
_DORMANT = statement(
    "delete from dormant_join where workspace_id = :workspace_id"
    " and (node_no = any(:node_nos::int[]) or newcomer_no = any(:node_nos::int[]))"
)
_TWINS = statement(
    "delete from twin where workspace_id = :workspace_id"
    " and (plain_no = any(:node_nos::int[]) or hashed_no = any(:node_nos::int[]))"
)
_NODES = statement("delete from node where workspace_id = :workspace_id and node_no = any(:node_nos::int[])")
_PERSONS = statement(
    "update person set state = 'erased', merged_into = null, redirect_to = null, graph_version = :version"
    " where workspace_id = :workspace_id"
    " and (person_no = any(:person_nos::int[]) or redirect_to = any(:person_nos::int[]))"
    " returning person_no, person_id"
)
_BLOCKS = statement(
    "delete from match_block where workspace_id = :workspace_id and person_no = any(:person_nos::int[])"
)
_REDIRECTS = statement(
    "delete from person_redirect where workspace_id = :workspace_id"
    " and (from_no = any(:person_nos::int[]) or to_no = any(:person_nos::int[]))"
)
_EVENTS = statement(
    "delete from event_log e using unnest(:received_ats::timestamptz[], :event_ids::uuid[]) as gone (received_at, id)"
    " where e.workspace_id = :workspace_id and e.received_at = gone.received_at and e.event_id = gone.id"
    " returning e.source_id, e.message_id, e.content_hash"
)
_KEYS = statement(
    "delete from event_deduplication where workspace_id = :workspace_id and key = any(:keys)"
    " and event_id = any(:event_ids::uuid[])"
)
_NOTES = statement(
    "delete from turned_away t using unnest(:source_ids::int[], :message_ids::text[]) as gone (source_id, message_id)"
    " where t.workspace_id = :workspace_id and t.source_id = gone.source_id and t.message_id = gone.message_id"
)
_LETTERS = statement(
    "delete from dead_letter where workspace_id = :workspace_id and event_id = any(:event_ids::uuid[])"
)


async def delete_nodes(tx: Tx, workspace_id: int, node_nos: Collection[int]) -> None:
    """Delete identifiers, their links, who owned them, whom they were suggested for, and their hashes."""
    for delete in (_LINKS, _OWNERSHIP, _SIGNALS, _SUGGESTIONS, _HELD, _STRAYS, _DORMANT, _TWINS, _NODES):
        await tx.execute(delete, workspace_id=workspace_id, node_nos=list(node_nos))


async def end_persons(tx: Tx, workspace_id: int, person_nos: Collection[int], *, version: int) -> dict[int, UUID]:
    """Mark persons, and those that had ended in them, erased; return the ids, which lead nowhere now, by number.

    One that comes back at this moment, on an identifier of somebody else, is that one's and stays.
    """
    rows = await tx.fetch(_PERSONS, workspace_id=workspace_id, person_nos=list(person_nos), version=version)
    ended = {row["person_no"]: row["person_id"] for row in rows}
    for delete in (_REDIRECTS, _BLOCKS):
        await tx.execute(delete, workspace_id=workspace_id, person_nos=list(ended))
    return ended


async def delete_events(tx: Tx, workspace_id: int, events: Sequence[tuple[datetime, UUID]]) -> int:
    """Delete events of the record, given as (received_at, event id), and all that is noted of them; return how many.

    Their keys are forgotten too: the same call again is read again, and makes nobody.
    """
    if not events:
        return 0
    ids = [event_id for _, event_id in events]
    await tx.execute(_LETTERS, workspace_id=workspace_id, event_ids=ids)
    rows = await tx.fetch(
        _EVENTS, workspace_id=workspace_id, received_ats=[received_at for received_at, _ in events], event_ids=ids
    )
    sources, messages = [row["source_id"] for row in rows], [row["message_id"] for row in rows]
    keys = [event_key(workspace_id, source, message) for source, message in zip(sources, messages, strict=True)]
    copies = [copy_key(key, row["content_hash"]) for key, row in zip(keys, rows, strict=True)]
    await tx.execute(_KEYS, workspace_id=workspace_id, keys=[*keys, *copies], event_ids=ids)
    await tx.execute(_NOTES, workspace_id=workspace_id, source_ids=sources, message_ids=messages)
    return len(rows)
