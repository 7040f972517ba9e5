"""From identifiers to locked nodes; those never seen before are made."""

from libs.common.db import Tx
from services.identity.domain.evidence import Identifier
from services.identity.store import nodes
from services.identity.store.nodes import NodeRow
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.tools import GraphTools

Wanted = dict[tuple[int, bytes], Identifier]


async def identify_nodes(tx: Tx, batch: Batch, tools: GraphTools) -> None:
    """Lock the nodes of all identifiers of the batch and give each fact its keys.

    Numbers are taken and rows inserted before anything is locked: whoever waits for another transaction's insert holds
    nothing that one could want, so two workers that meet the same newcomer cannot wait for each other.
    """
    wanted: Wanted = {}
    for fact in batch.facts:
        for identifier in fact.evidence.identifiers:
            wanted[fact.workspace_id, tools.lookup(fact.workspace_id, identifier)] = identifier
    if not wanted:
        return
    unsure = [one for one in wanted if one not in tools.existing]
    stored = await nodes.find(tx, unsure) if unsure else {}
    missing = {one: wanted[one] for one in unsure if one not in stored}
    if missing:
        await _insert(tx, batch, tools, missing)
    rows = await nodes.lock_by_lookup(tx, wanted)
    for row in rows:
        identifier = wanted[row.workspace_id, row.lookup]
        batch.nodes[row.key] = row
        batch.names[row.key] = identifier
        batch.keys[row.workspace_id, identifier] = row.key
    found = [(row.workspace_id, row.lookup) for row in rows]
    tx.after_commit(lambda: tools.existing.update(found))
    for fact in batch.facts:
        identifiers = dict.fromkeys(fact.evidence.identifiers)
        fact.keys = [batch.key_of(fact.workspace_id, identifier) for identifier in identifiers]


async def _insert(tx: Tx, batch: Batch, tools: GraphTools, missing: Wanted) -> None:
    by_workspace: dict[int, list[tuple[bytes, Identifier]]] = {}
    for (workspace_id, lookup), identifier in sorted(missing.items(), key=lambda item: item[0]):
        by_workspace.setdefault(workspace_id, []).append((lookup, identifier))
    rows: list[NodeRow] = []
    for workspace_id, entries in sorted(by_workspace.items()):
        sealer = tools.sealer(workspace_id)
        numbers = await tools.numbers.take(tx, workspace_id, "node", len(entries))
        batch.spare_persons[workspace_id] = await tools.numbers.take(tx, workspace_id, "person", len(entries))
        rows.extend(
            NodeRow(
                workspace_id,
                number,
                lookup,
                identifier.namespace,
                identifier.scope,
                sealer.seal(identifier.value.encode()),
            )
            for number, (lookup, identifier) in zip(numbers, entries, strict=True)
        )
    batch.fresh = await nodes.insert(tx, rows)
