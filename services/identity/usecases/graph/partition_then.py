"""The rule run over the evidence of a time: it looks at nothing that was said of later."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.common.db import Tx
from services.identity.domain.assignment import assign
from services.identity.domain.evidence import INFERRED, Evidence, Identifier
from services.identity.domain.links import POSITIVE
from services.identity.domain.partition import Partition, described, graph_of
from services.identity.domain.policy import PolicySet
from services.identity.domain.respelling import EMAIL_ALIAS, unheld
from services.identity.domain.twins import TWIN_SOURCE
from services.identity.store import evidence, history, holds, nodes
from services.identity.store.nodes import NodeRow, key, number_of
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.graph.name_holds import named_holds
from services.identity.usecases.graph.read_component import MOST_NODES
from services.identity.usecases.graph.stored_evidence import evidence_of
from services.identity.usecases.graph.tools import GraphTools

MOST_HUB_LINKS = 500
"""What can be a hub and has more links by then is taken for one: whoever stands around it was not joined by it."""


@dataclass(slots=True)
class Then:
    """The partition around nodes at a time, with the nodes and how well each was proved by then.

    An alias that no declaration of today holds is in no person.
    """

    partition: Partition
    rows: dict[Identifier, NodeRow]
    tiers: dict[Identifier, int]


async def partition_then(
    tx: Tx, tools: GraphTools, policies: PolicySet, workspace_id: int, node_nos: Collection[int], at: datetime
) -> Then:
    """Partition what is around nodes by the evidence that is not younger than a time, at that time.

    It reads as far as MOST_NODES identifiers.
    """
    spacious = [name for name, policy in policies.policies.items() if policy.hub_threshold is None]
    around = await history.component_then(
        tx, workspace_id, node_nos, at, most=MOST_NODES, crowd=MOST_HUB_LINKS, spacious=spacious
    )
    near = [one for one, is_crowded in around.items() if not is_crowded or one in node_nos]
    rows = await evidence.naming(tx, workspace_id, near, list(around)) if near else []
    known = {row.key: row for row in await nodes.read(tx, {key(workspace_id, n) for row in rows for n in row.node_nos})}
    batch = Batch((), {}, {})
    batch.names = {one: name_of(row, tools) for one, row in known.items()}
    said = _said_by([evidence_of(row, batch) for row in rows], at)
    consents = {batch.names[one]: row.consents(at) for one, row in known.items() if row.permissions}
    decided = await holds.effective(tx, workspace_id, near, at=at)
    graph = graph_of(said, policies, consents, named_holds(workspace_id, decided, batch.names))
    crowded = {batch.names[one] for one in known if around.get(number_of(one))}
    for node in graph.nodes:
        node.known_hub = node.identifier in crowded
    found = described(graph, assign(graph.nodes, graph.links, policies, at))
    somebodys = {node.identifier for node in graph.nodes} - unheld(said, policies)
    return Then(found.among(somebodys), {batch.names[one]: row for one, row in known.items()}, _tiers(said))


def _said_by(said: Sequence[Evidence], at: datetime) -> list[Evidence]:
    """Return what had been said by a time; that a hash is somebody's counts once both had been seen."""
    by_then = [one for one in said if one.effective_time <= at]
    seen = {name for one in by_then if one.source_id != TWIN_SOURCE for name in one.identifiers}
    # An alias is nothing that could be seen.
    return [
        one
        for one in by_then
        if one.source_id != TWIN_SOURCE
        or all(name in seen for name in one.identifiers if name.namespace != EMAIL_ALIAS)
    ]


def _tiers(said: Sequence[Evidence]) -> dict[Identifier, int]:
    """Return how well each identifier was proved."""
    tiers: dict[Identifier, int] = {}
    for one in said:
        tier = one.tier if one.kind in POSITIVE and one.kind != "infer" else INFERRED
        for name in one.identifiers:
            tiers[name] = min(tier, tiers.get(name, INFERRED))
    return tiers
