"""Somebody says of a join at risk that it is fine."""

from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import Conflict, NotFound
from services.identity.store import dormant_joins
from services.identity.store.dormant_joins import DormantJoinRow
from services.identity.usecases.graph.tools import GraphTools


async def accept_dormant_join(tx: Tx, tools: GraphTools, workspace_id: int, join_id: UUID, *, author: str) -> None:
    """Say that whoever came back is who he was; the join is not listed again. Raises NotFound, or Conflict."""
    await open_join(tx, workspace_id, join_id)
    await dormant_joins.decide(tx, workspace_id, join_id, state="fine", author=author, now=tools.now(workspace_id))


async def open_join(tx: Tx, workspace_id: int, join_id: UUID) -> DormantJoinRow:
    """Return a join that nobody decided about, locked; raises NotFound, or Conflict."""
    row = await dormant_joins.lock(tx, workspace_id, join_id)
    if row is None:
        raise NotFound("there is no such join")
    if row.state != "open":
        raise Conflict(f"this join was decided before: {row.state}", code=row.state)
    return row
