"""New namespace policies of a workspace, in force at once; what they change of the graph follows in the background."""

from libs.common.db import Tx
from services.identity.domain.policy import Declared
from services.identity.store import policies, regions, respelling_queue
from services.identity.usecases.graph.tools import GraphTools


async def put_policies(tx: Tx, tools: GraphTools, workspace_id: int, declared: Declared) -> tuple[int, int]:
    """Put policies in force; return (their version, the number of identifiers that are looked at again)."""
    now = tools.now(workspace_id)
    before = await tools.present_policies(tx, workspace_id)
    version = await policies.put(tx, workspace_id, declared, now)
    after = tools.with_defaults(version, declared)
    # `before` may be older than what was in force: then evidence is read anew to be sure.
    is_next = before.version == version - 1
    if after.respelling and not (is_next and before.respells_like(after)):
        await respelling_queue.queue(tx, workspace_id, version)
    return version, await regions.schedule_all(tx, workspace_id, now, reread=not (is_next and before.reads_like(after)))
