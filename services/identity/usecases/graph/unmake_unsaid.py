"""Identifiers that were made for evidence which turns out to be known are unmade: nothing names them."""

from functools import partial

from libs.common.db import Tx
from services.identity.store import forgetting
from services.identity.store.nodes import number_of
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.tools import GraphTools


async def unmake_unsaid(tx: Tx, batch: Batch, tools: GraphTools) -> None:
    """Delete new identifiers that only repeated evidence names: it counts as it was said first.

    They would be nobody's, and no erasure of anybody would find them.
    """
    if not batch.fresh:
        return
    said = {one for fact in batch.facts if fact.is_new for one in fact.keys}
    unsaid = sorted(batch.fresh - said)
    for workspace_id in {one >> 32 for one in unsaid}:
        mine = [one for one in unsaid if one >> 32 == workspace_id]
        await forgetting.delete_nodes(tx, workspace_id, [number_of(one) for one in mine])
        # Their numbers are remembered with the commit.
        tx.after_commit(partial(tools.forget, workspace_id, {batch.names[one] for one in mine}))
