"""Calls that could not be taken, and that name somebody who had been erased before they came, are deleted."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from libs.common.db import Tx
from services.identity.store import erasures, quarantine
from services.identity.usecases.graph.tools import GraphTools
from services.identity.usecases.sweep_quarantine import lookups_in


async def look_through_quarantine(tx: Tx, tools: GraphTools, workspace_id: int, ids: Sequence[UUID]) -> int:
    """Delete those of the calls that name an erased identifier; return how many.

    What comes before an erasure is committed is the erasure's own to look through.
    """
    kinds = await erasures.kinds(tx, workspace_id)
    rows = await quarantine.read(tx, workspace_id, ids) if kinds else []
    policies = await tools.present_policies(tx, workspace_id)
    sealer = tools.sealer(workspace_id)

    def named() -> dict[UUID, set[bytes]]:
        return {
            row.quarantine_id: set(lookups_in(sealer.open(row.payload), kinds, tools, workspace_id, policies))
            for row in rows
        }

    # A hash for each text and kind: milliseconds a call.
    lookups = await asyncio.to_thread(named) if rows else {}
    buried = await erasures.buried(tx, workspace_id, set().union(*lookups.values())) if lookups else {}
    found = [one for one, mentioned in lookups.items() if not mentioned.isdisjoint(buried)]
    return await quarantine.delete(tx, workspace_id, found) if found else 0
