"""Regions looked at again because time passed or policies changed."""

from collections.abc import Mapping

from libs.common.db import Tx
from services.identity.store.nodes import Key, workspace_of
from services.identity.store.regions import Turn
from services.identity.usecases.graph.reread_regions import reread_regions
from services.identity.usecases.graph.resolve_evidence import open_batch, reassign, under_locks
from services.identity.usecases.graph.tools import GraphTools


async def recompute_regions(tx: Tx, due: Mapping[Key, Turn], tools: GraphTools) -> None:
    """Assign the regions of nodes anew, from their evidence where new policies may read it differently.

    A crowded hub is walked when it is its own turn, and by nobody else's.
    """
    batch = await open_batch(tx, {workspace_of(one) for one in due}, tools)
    batch.turn = {one: not turn.glance for one, turn in due.items()}

    async def work(*, patient: bool) -> None:
        stirred = {one for one in due if one in batch.nodes}
        anew = {one for one in stirred if due[one].reread}
        read = await reread_regions(tx, batch, tools, anew, patient=patient) if anew else set()
        # Hubs are opened too: what time or a policy took from them may make them somebody's again.
        await reassign(tx, batch, tools, stirred | read, stirred, patient=patient)

    await under_locks(tx, batch, tools, set(due), work)
