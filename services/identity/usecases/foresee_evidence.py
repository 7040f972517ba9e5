"""Evidence taken in by a transaction that is rolled back: what it would do, exactly, on the evidence there is."""

from collections.abc import Sequence

from libs.common.db import Tx
from services.identity.domain.evidence import Evidence
from services.identity.domain.preflight import Preflight, preflight
from services.identity.store.nodes import number_of, workspace_of
from services.identity.usecases.graph.batch import Batch, Fact
from services.identity.usecases.graph.resolve_evidence import resolve_evidence
from services.identity.usecases.graph.tools import GraphTools


async def foresee_evidence(
    tx: Tx, tools: GraphTools, workspace_id: int, said: Sequence[Evidence], *, author: str
) -> tuple[Preflight, Batch]:
    """Return what evidence does; the caller rolls the transaction back."""
    batch = await resolve_evidence(tx, [Fact(workspace_id, one, author) for one in said], tools)
    changes = batch.changes
    if changes is None:
        held = batch.quarantined.total()
        return preflight(created=0, revived=0, ended=(), anchored=(), groups=batch.sizes, quarantined=held), batch
    anchored = {
        move.from_person
        for move in changes.moves
        if batch.policies[workspace_of(move.node)].of(batch.names[move.node].namespace).is_singleton
    }
    ended = [number_of(one) for one, _ in changes.merged]
    numbers = preflight(
        created=len(changes.created), revived=len(changes.revived), ended=ended, anchored=anchored, groups=batch.sizes,
        quarantined=batch.quarantined.total(),
    )  # fmt: skip
    return numbers, batch
