"""From identifiers to nodes; those never seen before are made."""

import msgspec

from libs.common.db import Tx
from libs.common.errors import Unavailable
from services.identity.domain.erasing import without
from services.identity.domain.evidence import Identifier
from services.identity.store import erasures, nodes
from services.identity.store.nodes import Key, NodeRow, key
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.tools import GraphTools

Wanted = dict[tuple[int, bytes], Identifier]
Place = tuple[int, Identifier]


async def identify_nodes(tx: Tx, batch: Batch, tools: GraphTools) -> None:
    """Give each fact of the batch the nodes of its identifiers; those never seen before are made, erased ones never.

    Nothing is locked yet: whoever waits here for another transaction's insert holds nothing that one could want.
    """
    wanted = _wanted(batch)
    numbered = tools.numbered
    found = {one: numbered[one] for one in wanted if one in numbered}
    if len(found) < len(wanted):
        found |= await _find_or_make(tx, batch, tools, [one for one in wanted if one not in found])
        wanted = _wanted(batch)
    for place, one in found.items():
        if place in wanted:
            batch.names[one] = place[1]
            batch.keys[place] = one
    for fact in batch.facts:
        identifiers = dict.fromkeys(fact.evidence.identifiers)
        fact.keys = [batch.keys[fact.workspace_id, identifier] for identifier in identifiers]


def _wanted(batch: Batch) -> dict[Place, None]:
    return dict.fromkeys(
        [(fact.workspace_id, identifier) for fact in batch.facts for identifier in fact.evidence.identifiers]
    )


async def _find_or_make(tx: Tx, batch: Batch, tools: GraphTools, unsure: list[Place]) -> dict[Place, Key]:
    """Return the nodes of identifiers that were not met before; those that were erased leave the batch."""
    names = {(place[0], tools.lookup(*place)): place for place in unsure}
    found, buried = await nodes.find_or_buried(tx, names)
    missing = {one: identifier for one, (_, identifier) in names.items() if one not in found}
    if buried:
        _leave_out(batch, {(workspace_id, missing[workspace_id, lookup]) for workspace_id, lookup in buried})
        wanted = _wanted(batch)
        missing = {one: identifier for one, identifier in missing.items() if names[one] in wanted}
    if missing:
        made = await _insert(tx, batch, tools, missing)
        # The insert may have waited for an erasure that took the same identifier: then its tombstone shows only now.
        gone = await erasures.buried_among(tx, list(missing))
        others = [one for one in missing if one not in made]
        found |= made | ((await nodes.find_or_buried(tx, others))[0] if others else {})
        if gone or not found.keys() >= missing.keys():
            raise Unavailable("an identifier was erased at this moment; send it again", retry_after_seconds=1)
    keys = {names[one]: key(one[0], number) for one, number in found.items()}
    tx.after_commit(lambda: tools.remember_numbers(keys))
    return keys


def _leave_out(batch: Batch, erased: set[tuple[int, Identifier]]) -> None:
    """Take identifiers that were erased, and what is about them, out of the batch."""
    batch.erased = erased
    for fact in batch.facts:
        mine = {one for one in fact.evidence.identifiers if (fact.workspace_id, one) in batch.erased}
        if not mine:
            continue
        left = without(fact.evidence, mine, batch.policies[fact.workspace_id])
        fact.evidence = left or msgspec.structs.replace(fact.evidence, identifiers=())
        fact.is_erased = left is None


async def _insert(tx: Tx, batch: Batch, tools: GraphTools, missing: Wanted) -> dict[tuple[int, bytes], int]:
    """Make identifiers; return the numbers of those that nobody else made meanwhile."""
    by_workspace: dict[int, list[tuple[bytes, Identifier]]] = {}
    for (workspace_id, lookup), identifier in sorted(missing.items(), key=lambda item: item[0]):
        by_workspace.setdefault(workspace_id, []).append((lookup, identifier))
    rows: list[NodeRow] = []
    # Those of persons before those of nodes, as whoever takes only the former would else hold what others wait for.
    for workspace_id, entries in sorted(by_workspace.items()):
        spare = batch.spare_persons.setdefault(workspace_id, [])
        spare += await tools.numbers.take(tx, workspace_id, "person", max(0, len(entries) - len(spare)))
    for workspace_id, entries in sorted(by_workspace.items()):
        sealer = tools.sealer(workspace_id)
        numbers = await tools.numbers.take(tx, workspace_id, "node", len(entries))
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
    return {(row.workspace_id, row.lookup): row.node_no for row in rows if row.key in batch.fresh}
