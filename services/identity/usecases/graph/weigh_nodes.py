"""When identifiers were last seen alone and how well they were proved: maxima over all evidence that names them."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from libs.common.db import Tx
from services.identity.domain.evidence import INFERRED
from services.identity.domain.links import POSITIVE, latest, pairs
from services.identity.domain.twins import TWIN_SOURCE
from services.identity.store import evidence, nodes
from services.identity.store.evidence import EvidenceRow
from services.identity.store.nodes import Key, NodeRow, key, number_of, workspace_of
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.stored_evidence import evidence_of, name_nodes
from services.identity.usecases.graph.tools import GraphTools


@dataclass(slots=True)
class Weights:
    """What evidence says of identifiers by themselves; those that nothing names are in neither."""

    alone: dict[Key, datetime | None] = field(default_factory=dict)
    tiers: dict[Key, int] = field(default_factory=dict)


def weights_of(batch: Batch, rows: Collection[EvidenceRow]) -> Weights:
    """Return what evidence says of the identifiers it names, all of them named in the batch."""
    found = Weights()
    for row in rows:
        said = evidence_of(row, batch)
        linked = {end for pair in pairs(said, batch.policies[row.workspace_id]) for end in pair}
        tier = min(said.tier, INFERRED) if said.kind in POSITIVE and said.kind != "infer" else INFERRED
        for number in row.node_nos:
            one = key(row.workspace_id, number)
            found.tiers[one] = min(tier, found.tiers.get(one, INFERRED))
            # what follows from values shows nobody, whether or not the policies of now have it count
            if batch.names.get(one) not in linked and said.source_id != TWIN_SOURCE:
                found.alone[one] = latest(found.alone.get(one), said.effective_time)
    return found


async def weigh_nodes(
    tx: Tx, batch: Batch, tools: GraphTools, keys: Collection[Key], rows: Collection[EvidenceRow]
) -> None:
    """Write of locked nodes what evidence says of them by themselves, where it is stored otherwise.

    `rows` is all evidence that links them; what names them without a link is read here.
    """
    by_workspace: dict[int, list[int]] = {}
    for one in keys:
        by_workspace.setdefault(workspace_of(one), []).append(number_of(one))
    about = {(row.workspace_id, row.event_id, row.part): row for row in rows}
    for workspace_id, numbers in by_workspace.items():
        for row in await evidence.naming(tx, workspace_id, numbers, []):
            about.setdefault((row.workspace_id, row.event_id, row.part), row)
    await name_nodes(tx, batch, tools, list(about.values()))
    found = weights_of(batch, about.values())
    mended = [one for one in sorted(keys) if one in found.tiers and _weigh(batch.nodes[one], found)]
    if mended:
        await nodes.save(tx, [batch.nodes[one] for one in mended])


def _weigh(row: NodeRow, found: Weights) -> bool:
    """Take over what was found of a node; return whether it is news."""
    before = row.alone_at, row.best_tier
    row.alone_at, row.best_tier = found.alone.get(row.key), found.tiers[row.key]
    return (row.alone_at, row.best_tier) != before
