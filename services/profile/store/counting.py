"""How much the timelines hold: for reconciliation with the record."""

from libs.common.db import Tx, statement

_COUNTS = statement("select kind, count(*) as entries from timeline where workspace_id = :workspace_id group by kind")


async def count_timeline(tx: Tx, workspace_id: int) -> dict[str, int]:
    """Return the entries of all timelines, by kind."""
    return {row["kind"]: row["entries"] for row in await tx.fetch(_COUNTS, workspace_id=workspace_id)}
