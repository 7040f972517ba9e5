"""Policies that were tried in the shadow put in force."""

from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import Conflict, NotFound
from services.identity.store import shadows
from services.identity.usecases.graph.tools import GraphTools
from services.identity.usecases.put_policies import put_policies


async def switch_policies(tx: Tx, tools: GraphTools, workspace_id: int, shadow_id: UUID) -> tuple[int, int]:
    """Put a shadow run's policies in force; return (their version, the number of identifiers looked at again).

    Raises NotFound, or Conflict while the run goes on, when it failed or was switched to before, or when others were
    put in force since it began: its report would be about something else.
    """
    shadow = await shadows.find(tx, workspace_id, shadow_id)
    if shadow is None:
        raise NotFound("there is no such shadow run")
    if shadow.state != "done":
        code = {"waiting": "not_done", "failed": "failed"}.get(shadow.state, "switched_before")
        raise Conflict(f"this shadow run is {shadow.state}", code=code)
    version, affected = await put_policies(tx, tools, workspace_id, shadow.declared)
    if version != shadow.base_version + 1:
        raise Conflict("other policies were put in force since; run the shadow again", code="policies_changed")
    await shadows.mark_switched(tx, workspace_id, shadow_id, version)
    return version, affected
