"""How much the record holds: for reconciliation with what the other services hold."""

from collections.abc import Mapping

from libs.common.db import Tx, statement

_COUNTS = statement(
    """
    select (select count(*) from event_log where workspace_id = :workspace_id) as events,
           (select count(*) from node where workspace_id = :workspace_id) as identifiers,
           (select count(*) from person where workspace_id = :workspace_id and state = 'active') as persons,
           (select count(*) from person where workspace_id = :workspace_id and state = 'merged') as merges
    """
)


async def count_record(tx: Tx, workspace_id: int) -> Mapping[str, int]:
    """Return the events, identifiers, persons of now, and persons that went into another."""
    row = await tx.fetch_one(_COUNTS, workspace_id=workspace_id)
    return dict(row) if row else {}
