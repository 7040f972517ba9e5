"""Erased identifiers may name somebody again: their owner consented anew."""

from collections.abc import Sequence

from libs.common.db import Tx
from services.identity.domain.evidence import Identifier
from services.identity.store import erasures
from services.identity.store.erasures import Tombstone
from services.identity.usecases.graph.tools import GraphTools


async def reopen_identifiers(
    tx: Tx, tools: GraphTools, workspace_id: int, wanted: Sequence[Identifier]
) -> list[Tombstone]:
    """Take tombstones away and return them; whoever comes by these identifiers is somebody new."""
    return await erasures.dig_up(tx, workspace_id, [tools.lookup(workspace_id, one) for one in wanted])
