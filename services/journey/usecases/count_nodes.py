"""A journey in numbers, added up from the step log."""

from uuid import UUID

from pydantic import BaseModel

from libs.common.db import Tx
from services.journey.store.run_views import count_nodes, count_states


class NodeReport(BaseModel):
    """One node over all versions: how often reached, how many wait there now, how many left by which way."""

    node: str
    entered: int
    waiting: int
    left: dict[str, int]


class StateReport(BaseModel):
    """Runs by state, reason and arm, and how many of them reached the goal."""

    state: str
    reason: str | None
    arm: str
    runs: int
    converted: int


async def count_journey(tx: Tx, *, workspace_id: int, journey_id: UUID) -> tuple[list[NodeReport], list[StateReport]]:
    """Return counts per node and per state."""
    nodes: dict[str, NodeReport] = {}
    for row in await count_nodes(tx, workspace_id=workspace_id, journey_id=journey_id):
        report = nodes.setdefault(row.node, NodeReport(node=row.node, entered=0, waiting=0, left={}))
        report.entered += row.arrived
        report.waiting += row.arrived - row.departed
        if row.departed:
            report.left[row.branch] = report.left.get(row.branch, 0) + row.departed
    states = [
        StateReport.model_validate(row._asdict())
        for row in await count_states(tx, workspace_id=workspace_id, journey_id=journey_id)
    ]
    return list(nodes.values()), states
