"""With whom persons are compared: those who agree with them in what the model chooses pairs by."""

from collections.abc import Mapping

from libs.common.db import Tx
from libs.common.errors import Unavailable
from libs.common.personal import Sealer
from services.identity.domain.matching.blocking import blocks_of
from services.identity.domain.matching.model import MatchModel
from services.identity.domain.matching.preparing import Prepared
from services.identity.store import match_blocks
from services.identity.usecases.graph.tools import GraphTools

CROWD = 50
"""Persons who agree in something so common say nothing."""

Pairs = set[tuple[int, int]]
"""Persons to compare, the lower number first."""


async def find_partners(
    tx: Tx, tools: GraphTools, workspace_id: int, records: Mapping[int, Prepared], model: MatchModel
) -> Pairs:
    """Write down what persons agree with others in, and return the pairs they make with these.

    Raises Unavailable when one of them is being changed, or is no more: then they are to be chosen anew.
    """
    sealer = tools.sealer(workspace_id)
    living = await match_blocks.lock_living(tx, workspace_id, records)
    if len(living) < len(records):
        raise Unavailable("persons are changing at this moment; they are compared afterwards", retry_after_seconds=1)
    blocks = {one: _blocks(records[one], model, sealer) for one in sorted(living)}
    await match_blocks.replace(tx, workspace_id, blocks)
    wanted = {block for found in blocks.values() for block in found}
    sharing = await match_blocks.sharing(tx, workspace_id, wanted, CROWD) if wanted else {}
    return {
        (min(one, other), max(one, other))
        for one, found in blocks.items()
        for block in found
        for other in sharing.get(block, ())
        if other != one
    }


def _blocks(record: Prepared, model: MatchModel, sealer: Sealer) -> set[bytes]:
    return {
        sealer.lookup("\0".join(("match block", *model.blocking[number])), "\0".join(values).encode())
        for number, values in blocks_of(record, model.blocking)
    }
